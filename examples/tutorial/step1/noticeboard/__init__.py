"""A notice board for a team."""

from collections.abc import Mapping
from typing import Any

from quart import render_template

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

    @app.get("/")
    async def index() -> str:
        return await render_template("index.html")

    return app
