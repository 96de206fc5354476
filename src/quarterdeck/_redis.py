"""The client for Redis or Valkey, as all rooms make it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis

LOCAL = "redis://127.0.0.1:6379/0"


def redis_source(key: str, value: Any) -> Redis | str:
    """Return the client or the URL in a configuration key, if it can work.

    Raises:
        ConfigurationError: If it is neither, or a client that decodes what it reads.
    """
    from redis.asyncio import Redis
    from redis.asyncio.connection import parse_url

    if isinstance(value, Redis):
        if value.connection_pool.connection_kwargs.get("decode_responses"):
            raise ConfigurationError(
                key, "decodes what it reads into text", "Give one without decode_responses."
            )
        return value
    if not isinstance(value, str):
        raise ConfigurationError(key, f"is {value!r}", "Give a redis.asyncio.Redis, or a URL.")
    try:
        parse_url(value)
    except ValueError:
        raise ConfigurationError(
            key, "is not a Redis URL", f"Write for example '{LOCAL}'."
        ) from None
    return value


def redis_client(
    url: str, *, timeout: float | None, connect_timeout: float | None, retries: int
) -> Redis:
    """Return a client; nothing connects yet.

    Args:
        url: Of the server.
        timeout: Seconds for an answer; None where the caller holds them.
        connect_timeout: Seconds for connecting.
        retries: How often a command is sent again, at once: 1 for connections that a restart of
            the server has cut, 0 where only the caller knows whether that is safe.
    """
    from redis.asyncio import ConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pool = ConnectionPool.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        retry=Retry(NoBackoff(), retries),
        driver_info=None,  # else every new connection looks up the version of redis-py on disk
    )
    return Redis.from_pool(pool)


class QuickCommands:
    """Sends the commands that every request needs, in less time than the methods of a client.

    It keeps connections of the pool instead of giving each back. The client takes and returns
    one for each command, and counts that for a monitor.

    Args:
        client: One of our own: nobody else may wait for the connections of its pool.
    """

    def __init__(self, client: Redis) -> None:
        from hiredis import pack_command
        from redis.exceptions import ConnectionError, TimeoutError

        self._pack = pack_command
        self._client: Any = client  # untyped in part
        self._idle: list[Any] = []
        self._broken = (ConnectionError, TimeoutError)

    async def send(self, *command: Any) -> Any:
        """Send a command and return its answer.

        If the connection is broken, the client sends it again, with its own retries.

        Raises:
            RedisError: If the server does not answer, or with an error.
        """
        pool = self._client.connection_pool
        connection: Any = self._idle.pop() if self._idle else await pool.get_connection()
        try:
            # Data that nobody has asked for would be taken for the answer to this command.
            if not await connection.can_read():
                await connection.send_packed_command(self._pack(command))
                return await connection.read_response()
            await connection.disconnect()
        except self._broken:
            pass
        finally:
            # The methods of a connection close it after an error, and where they are cancelled.
            if connection.is_connected and not connection.should_reconnect():
                self._idle.append(connection)
            else:
                await pool.release(connection)
        return await self._client.execute_command(*command)

    async def aclose(self) -> None:
        """Give the connections back to the pool, which can close them then."""
        while self._idle:
            await self._client.connection_pool.release(self._idle.pop())
