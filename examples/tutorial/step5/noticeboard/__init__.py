"""A notice board for a team."""

from collections.abc import Mapping
from typing import Any

from noticeboard import auth, cli, live, notices
from noticeboard.extensions import bootstrap, csrf, db, hub, login, migrate
from quarterdeck.app import Quart


def create_app(config: Mapping[str, Any] | None = None) -> Quart:
    """Make the app.

    Args:
        config: Keys that win over all others, for tests.
    """
    app = Quart(__name__)
    app.config.from_object("noticeboard.config")
    app.config.from_prefixed_env("NOTICEBOARD")
    app.config.update(config or {})

    db.init_app(app)
    migrate.init_app(app)
    csrf.init_app(app)
    bootstrap.init_app(app)
    login.init_app(app)
    hub.init_app(app)

    app.cli.add_command(cli.user)
    app.register_blueprint(auth.bp)
    app.register_blueprint(live.bp)
    app.register_blueprint(notices.bp)
    return app
