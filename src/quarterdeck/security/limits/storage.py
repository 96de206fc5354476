"""The storage of the counts: the memory of this process, Redis or Valkey."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from limits.aio.storage import MovingWindowSupport, Storage
from limits.errors import ConfigurationError as LimitsConfigurationError
from limits.storage import storage_from_string

from quarterdeck.exceptions import ConfigurationError, MissingPackageError

from .memory import BoundedMemoryStorage

KEY = "RATELIMIT_STORAGE_URI"
SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "redis+unix",
    "redis+unix": "redis+unix",
    "redis+cluster": "redis+cluster",
    "redis+sentinel": "redis+sentinel",
    # The client of Redis speaks to Valkey too.
    "valkey": "redis",
    "valkeys": "rediss",
}


def make_storage(config: Mapping[str, Any]) -> Storage:
    """Return the storage that the configuration names; nothing connects yet.

    Raises:
        ConfigurationError: If there is no such storage.
        MissingPackageError: If it needs a package that is not installed.
    """
    scheme, separator, rest = config[KEY].removeprefix("async+").partition("://")
    if scheme == "memory":
        return BoundedMemoryStorage(config["RATELIMIT_MEMORY_SIZE"])
    if scheme not in SCHEMES or not separator:
        raise ConfigurationError(
            KEY,
            "is not a Redis URL",
            "Write for example 'redis://127.0.0.1:6379/0', or 'memory://' for one process.",
        )
    if find_spec("redis") is None:
        raise MissingPackageError("redis", "redis")
    options = _client_options(scheme) | config["RATELIMIT_STORAGE_OPTIONS"]
    try:
        storage = storage_from_string(
            f"async+{SCHEMES[scheme]}://{rest}",
            implementation="redispy",
            key_prefix=config["RATELIMIT_KEY_PREFIX"],
            **options,
        )
    except (LimitsConfigurationError, TypeError, ValueError) as error:
        raise ConfigurationError(KEY, f"cannot be used: {error}", "Correct the URL.") from error
    assert isinstance(storage, Storage)  # noqa: S101  # for the type checker
    return storage


async def close_storage(storage: Any) -> None:
    """Close the connections; a later request opens new ones."""
    client = getattr(getattr(storage, "bridge", None), "storage", None)
    if client is not None:
        await client.aclose()


def counts_moving(storage: Storage) -> MovingWindowSupport:
    """Return the storage under the type of its methods for moving windows."""
    assert isinstance(storage, MovingWindowSupport)  # noqa: S101  # all of ours are
    return storage


def _client_options(scheme: str) -> dict[str, Any]:
    """Return how the client of one server behaves; the Limiter holds the time."""
    if scheme in {"redis+cluster", "redis+sentinel"}:
        return {}
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return {
        "socket_timeout": None,
        "socket_connect_timeout": None,
        # Once, at once: a connection that a restart of the server has cut.
        "retry": Retry(NoBackoff(), 1),
        # Else every new connection looks up the version of redis-py on disk.
        "driver_info": None,
    }
