"""How an app is made: configuration, extensions, blueprints, errors, commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quarterdeck.app import Quart

from . import extensions, health, metrics, resources
from .accounts import views as accounts
from .addresses import register_converters
from .api import views as api
from .attachments import views as attachments
from .auth import views as auth
from .board import views as board
from .cli import register_commands
from .config import choose, configure, instance_path
from .dashboard import views as dashboard
from .errors import register_errors
from .formatting import register_filters
from .goods import views as goods
from .live import echo
from .live import views as live
from .live.pages import register_live_pages
from .navigation import register_navigation
from .orders import views as orders
from .security import register_security
from .team import views as team
from .tokens import views as tokens
from .transfer import views as transfer

if TYPE_CHECKING:
    from .config import Base

BLUEPRINTS = (
    auth.bp,
    dashboard.bp,
    board.bp,
    accounts.bp,
    goods.bp,
    orders.bp,
    attachments.bp,
    team.bp,
    tokens.bp,
    api.bp,
    transfer.bp,
    live.bp,
    health.bp,
    metrics.bp,
    echo.bp,
)


def create_app(config: str | type[Base] | None = None, **settings: Any) -> Quart:
    """Return a CRM ready to serve.

    Args:
        config: ``"development"``, ``"testing"``, ``"production"`` or a class of ``config``;
            ``CRM_CONFIG`` if not given, and development if that is not set either.
        **settings: Configuration keys that win over every other source.

    Raises:
        ConfigurationError: If a value cannot work, for example a weak production key.
    """
    chosen = choose(config)
    app = Quart(
        "quarterdeck_crm",
        template_folder=str(resources.TEMPLATES),
        static_folder=str(resources.STATIC),
        static_url_path=resources.static_path(),
        instance_path=str(instance_path(chosen, settings)),
    )
    configure(app, chosen, settings)
    metrics.register_metrics(app)  # first, so that its clock covers all others
    register_live_pages(app)
    bind_extensions(app)
    register_security(app)
    register_converters(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    register_filters(app)
    register_navigation(app)
    register_errors(app)
    register_commands(app)
    return app


def bind_extensions(app: Quart) -> None:
    """Bind the extensions to the app, the database first because others lean on it."""
    extensions.db.init_app(app)
    extensions.migrate.init_app(app, directory=str(resources.MIGRATIONS))
    app.config.setdefault("SESSION_SQLALCHEMY", lambda: extensions.db.engine)
    extensions.sessions.init_app(app)
    extensions.csrf.init_app(app)
    extensions.login_manager.init_app(app)
    extensions.bootstrap.init_app(app)
    extensions.moment.init_app(app)
    extensions.hub.init_app(app)
    extensions.commands.init_app(app)
    extensions.login_manager.blueprint_login_views[api.bp.name] = None
    api.ApiSchema(app)
