"""Stands in for Flask-Session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from quarterdeck.session import Session as KitSession

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["Session"]


class Session(KitSession):
    """Sessions on the server; ``SESSION_SQLALCHEMY`` may be the database of Flask-SQLAlchemy."""

    def init_app(self, app: Quart) -> None:
        """Read the configuration and replace the session interface of the app."""
        db = app.config.get("SESSION_SQLALCHEMY")
        if db is not None and hasattr(db, "get_engine"):
            from quarterdeck.sqlalchemy import SQLAlchemy

            # The kit's own method: that of the bridge answers plain code with another engine.
            app.config["SESSION_SQLALCHEMY"] = partial(SQLAlchemy.get_engine, db)
        super().init_app(app)
