"""Password hashes, computed in a few threads so that the event loop never waits for one."""

from __future__ import annotations

import asyncio
import logging
import secrets
import unicodedata
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from quarterdeck._repeated_logs import RepeatedWarning
from quarterdeck._state import release_resources
from quarterdeck._unawaited import Call
from quarterdeck.exceptions import PasswordHasherBusyError

from .config import STATE

logger = logging.getLogger("quarterdeck.login")

R = TypeVar("R")


async def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, for the database.

    The db session gives its connection back meanwhile, if it has only read.

    Raises:
        PasswordHasherBusyError: If ``LOGIN_HASH_MAX_WAITING`` others wait already: a 503.
    """
    return await STATE.get().hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> Coroutine[Any, Any, bool]:
    """Whether the password is right; pass None as the hash for an unknown user.

    Without ``await`` the answer cannot be used: its truth value raises.

    An unknown user, and a stored text that is no hash, take as long as a wrong password.

    Raises:
        PasswordHasherBusyError: As ``hash_password``.
        NotAwaitedError: In a condition without ``await``.
    """
    return Call("", _verify_password, (password_hash, password), {})


async def _verify_password(password_hash: str | None, password: str) -> bool:
    right, _ = await STATE.get().hasher.verify(password_hash, password)
    return right


async def verify_and_update(password_hash: str | None, password: str) -> tuple[bool, str | None]:
    """As ``verify_password``, and a new hash to store if the old one has outdated costs."""
    return await STATE.get().hasher.verify(password_hash, password)


class PasswordHasher:
    """Argon2id with given costs in a thread pool of its own.

    Args:
        workers: The most hashes computed at the same time; each takes ``memory_cost`` KiB.
        max_waiting: The most requests that wait for one of them.
        time_cost: Passes over the memory.
        memory_cost: KiB of memory.
    """

    def __init__(
        self, workers: int, time_cost: int, memory_cost: int, max_waiting: int = 16
    ) -> None:
        self._workers = workers
        self._max_under_way = workers + max_waiting
        self._under_way = 0
        self._passwords = PasswordHash([Argon2Hasher(time_cost=time_cost, memory_cost=memory_cost)])
        self._pool: ThreadPoolExecutor | None = None
        self._refusals = RepeatedWarning(logger)

    async def hash(self, password: str) -> str:
        """Return the hash of a password."""
        return await self._run(lambda: self._passwords.hash(_to_bytes(password)))

    async def verify(self, password_hash: str | None, password: str) -> tuple[bool, str | None]:
        """Return whether the password is right, and a newer hash if one is due."""
        return await self._run(lambda: self._verify(password_hash, _to_bytes(password)))

    async def aclose(self) -> None:
        """End the threads once they are done; a later hash starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)

    async def _run(self, work: Callable[[], R]) -> R:
        if self._under_way >= self._max_under_way:
            error = PasswordHasherBusyError(self._max_under_way)
            self._refusals.warning("Sign-ins are answered 503: %s", error.reason)
            raise error
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="password-hash")
        self._under_way += 1
        try:
            await release_resources()
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1

    def _verify(self, password_hash: str | None, password: bytes) -> tuple[bool, str | None]:
        # Made before either way is taken, so that the first unknown user is no slower.
        nobody = self._nobody
        if password_hash is not None:
            try:
                return self._passwords.verify_and_update(password, password_hash)
            except UnknownHashError:
                pass
        self._passwords.verify(password, nobody)
        return False, None

    @cached_property
    def _nobody(self) -> str:
        """The hash of a random password."""
        return self._passwords.hash(secrets.token_bytes(32))


def _to_bytes(password: str) -> bytes:
    """The same bytes however a keyboard composes its characters, and for any text at all."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
