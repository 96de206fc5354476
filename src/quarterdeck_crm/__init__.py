"""The CRM: accounts, orders, goods and team, built on the rooms of the kit."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from quarterdeck.exceptions import MissingPackageError

if TYPE_CHECKING:
    from quart import Quart

    from .config import Base

__all__ = ["create_app"]


def create_app(config: str | type[Base] | None = None, **settings: Any) -> Quart:
    """Build the application; see ``factory.create_app``.

    The import waits for the call, so that the package can be imported, and name the package
    that is missing, where the ``crm`` extra is not installed.

    Raises:
        MissingPackageError: With the command that installs the extra.
    """
    was_enabled = gc.isenabled()
    gc.disable()  # an import leaves no garbage, and looking for it took a fifth of the start
    try:
        from .factory import create_app as build
    except MissingPackageError as error:  # of a room; the CRM needs all of its own extra
        raise MissingPackageError(str(error.name), "crm") from error
    finally:
        if was_enabled:
            gc.enable()
    return build(config, **settings)
