"""A notice board for a team."""

from collections.abc import Mapping
from typing import Any

from noticeboard import notices
from noticeboard.extensions import db, migrate
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

    app.register_blueprint(notices.bp)
    return app
