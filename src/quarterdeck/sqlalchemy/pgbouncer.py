"""Connect through PgBouncer, which takes few settings at the start of a connection."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger("quarterdeck.sqlalchemy")

# PgBouncer passes these on, and refuses others unless 'ignore_startup_parameters' drops them.
_TAKEN = {
    "application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone",
}  # fmt: skip
_REFUSAL = "unsupported startup parameter"
_SET = "SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s(name, value)"


class Opener:
    """Opens the connections of one engine, and notices whether there is a PgBouncer before it."""

    def __init__(self) -> None:
        self._is_pooled = False

    async def open(
        self,
        create: Callable[..., Awaitable[Any]],
        *args: Any,
        server_settings: dict[str, str],
        **options: Any,
    ) -> Any:
        """Return a connection of asyncpg with the settings.

        Args:
            create: ``asyncpg.connect``, or a function with the same arguments.
            args: Its arguments.
            server_settings: The settings of the server, such as ``lock_timeout``.
            options: Its other options.
        """
        if not self._is_pooled:
            try:
                return await create(*args, server_settings=server_settings, **options)
            except Exception as error:
                if _REFUSAL not in str(error):
                    raise
            logger.info("PgBouncer refuses settings of connections: they are set by a statement")
            self._is_pooled = True
        taken = {name: value for name, value in server_settings.items() if name.lower() in _TAKEN}
        connection = await create(*args, server_settings=taken, **options)
        rest = {name: value for name, value in server_settings.items() if name not in taken}
        try:
            await connection.fetch(_SET, list(rest), list(rest.values()))
        except BaseException:
            connection.terminate()
            raise
        return connection
