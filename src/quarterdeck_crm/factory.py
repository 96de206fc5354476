"""How an app is made: configuration, extensions, blueprints, errors, commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quarterdeck.app import Quart
from quarterdeck.mail import email_failed

from . import extensions, extras, paths
from .accounts import views as accounts
from .api import routes as api
from .attachments import views as attachments
from .audit import views as audit
from .auth import views as auth
from .auth.loading import keep_sessions_in_database
from .board import views as board
from .bulk import team_views as bulk
from .cli.commands import register_commands
from .config import choose, configure, errors_as_written, instance_path
from .dashboard import views as dashboard
from .deals import views as deals
from .duplicates import views as duplicates
from .errors import register_errors
from .extras import field_views as field_views  # adds its routes to the blueprint
from .extras import tag_views as tags
from .goods import views as goods
from .jobs import views as jobs
from .languages.words import register_words
from .live import echo
from .live import views as live
from .live.pages import register_live_pages
from .mail import views as mail
from .mail.alerts import tell_of_failed_mail
from .notes import views as notes
from .notifications import views as notifications
from .orders import views as orders
from .people import views as people
from .saved_views import views as saved_views
from .tasks import feed_views as calendar
from .tasks import views as tasks
from .team import views as team
from .tokens import views as tokens
from .transfer import views as transfer
from .web import health, metrics, other_releases
from .web.caching import register_caching
from .web.converters import register_converters
from .web.filters import register_filters
from .web.languages import register_languages
from .web.navigation import register_navigation
from .web.script_texts import register_script_texts
from .web.traces import register_traces

if TYPE_CHECKING:
    from .config import Base

BLUEPRINTS = (
    auth.bp,
    dashboard.bp,
    board.bp,
    accounts.bp,
    people.bp,
    goods.bp,
    orders.bp,
    notes.bp,
    notifications.bp,
    deals.bp,
    tasks.bp,
    calendar.calendar,
    bulk.bp,
    saved_views.bp,
    duplicates.bp,
    attachments.bp,
    team.bp,
    tags.bp,
    extras.custom_fields,
    tokens.bp,
    audit.bp,
    api.bp,
    transfer.bp,
    jobs.bp,
    live.bp,
    mail.bp,
    health.bp,
    other_releases.bp,
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
        template_folder=str(paths.TEMPLATES),
        static_folder=str(paths.STATIC),
        static_url_path=paths.static_path(),
        instance_path=str(instance_path(chosen, settings)),
    )
    with errors_as_written(app):
        configure(app, chosen, settings)
        _fill(app)
    return app


def _fill(app: Quart) -> None:
    register_live_pages(app)
    bind_extensions(app)
    register_caching(app)
    register_converters(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    register_filters(app)
    register_words(app)
    register_script_texts(app)
    register_navigation(app)
    register_errors(app)
    email_failed.connect(tell_of_failed_mail, sender=app)
    register_commands(app)


def bind_extensions(app: Quart) -> None:
    """Bind the extensions to the app, the database first because others lean on it."""
    extensions.security.init_app(app)
    extensions.compress.init_app(app)  # early, so that its hook runs after all others
    extensions.logging.init_app(app)
    extensions.metrics.init_app(app)
    extensions.health.init_app(app)
    extensions.db.init_app(app)
    register_traces(app)
    extensions.migrate.init_app(app, directory=str(paths.MIGRATIONS))
    keep_sessions_in_database(app)
    extensions.sessions.init_app(app)
    register_languages(app)
    extensions.csrf.init_app(app)
    extensions.login_manager.init_app(app)
    extensions.bootstrap.init_app(app)
    extensions.moment.init_app(app)
    extensions.hub.init_app(app)
    extensions.limiter.init_app(app)
    app.config.setdefault("SCHEDULER_SQLALCHEMY", lambda: extensions.db.engine)
    extensions.scheduler.init_app(app)
    extensions.commands.init_app(app)
    extensions.mail.init_app(app)  # after the commands, to which it adds its own
    extensions.login_manager.blueprint_login_views[api.bp.name] = None
    api.ApiSchema(app)
