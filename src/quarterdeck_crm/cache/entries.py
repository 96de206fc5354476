"""Reading through the cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from quart import current_app, g, has_request_context
from sqlalchemy import ScalarSelect, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import CacheVersion

T = TypeVar("T")

MAX_ENTRIES = 2_000  # of a process; each user has one for every list that has been opened
NAME = "quarterdeck_crm.cache"


@dataclass(slots=True)
class Cache:
    """The entries of a process under one version; another version makes a new one."""

    version: str
    values: dict[Hashable, Any] = field(default_factory=dict)


def version_column() -> ScalarSelect[str]:
    """Return the version, to be read together with the user of a request."""
    return select(CacheVersion.word).where(CacheVersion.id == 1).scalar_subquery()


def use_version(version: str | None) -> None:
    """Let the rest of the request read what this process has kept under ``version``.

    None lets it read the database.
    """
    g.cache_version = version


async def cached(
    session: AsyncSession, key: Hashable, load: Callable[[AsyncSession], Awaitable[T]]
) -> T:
    """Return the entry of ``key``, which ``load`` reads if it is missing or outdated.

    Entries are shared by all requests, so they must not belong to a session and nobody may change
    them. Commands and jobs, and requests that have changed such rows, always load.
    """
    version = g.get("cache_version") if has_request_context() else None
    if version is None:
        return await load(session)
    extensions: dict[str, Any] = current_app.extensions
    cache: Cache | None = extensions.get(NAME)
    if cache is None or cache.version != version or len(cache.values) >= MAX_ENTRIES:
        cache = extensions[NAME] = Cache(version)
    if key not in cache.values:
        # If another commit comes in between, the entry is newer than its version. That does no
        # harm: the next request finds another version.
        cache.values[key] = await load(session)
    value: T = cache.values[key]
    return value
