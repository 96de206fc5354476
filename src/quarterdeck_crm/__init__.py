"""The CRM: accounts, orders, goods and team, built on the rooms of the kit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quart import Quart

    from .config import Base

__all__ = ["create_app"]


def create_app(config: str | type[Base] | None = None, **settings: Any) -> Quart:
    """Build the application; see ``factory.create_app``.

    The import waits for the call, so that the package can be imported, and name the missing
    missing, where the ``crm`` extra is not installed.
    """
    from .factory import create_app as build

    return build(config, **settings)
