"""The relay: sends the mail of the outbox, over one connection at a time.

Any number of relays may run, in the serving processes and as commands: each claims mail for
itself. Mail leaves the outbox only after the server has accepted it. So a message may arrive
twice if the server fails, or the relay is killed, between the two; it has the same Message-ID
both times.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quarterdeck._missing_table import (
    NO_DATABASE,
    REMEDY,
    is_missing_database,
    is_missing_table,
)
from quarterdeck._repeated_logs import OutageLog
from quarterdeck.exceptions import (
    DeliveryError,
    PermanentDeliveryError,
    RecipientsRefusedError,
    TemporaryDeliveryError,
)

from .connection import Connection
from .outbox import Claim, Outbox, OutboxStatus
from .signals import announce, email_failed

if TYPE_CHECKING:
    from quart import Quart

    from .config import MailState

logger = logging.getLogger("quarterdeck.mail")

BATCH = 10  # so many claims a killed relay leaves behind
STOP_SECONDS = 5.0  # for the message that is being sent
MAX_OUTAGE_SECONDS = 60.0
STATUS_SECONDS = 5.0  # between two counts of the outbox


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Times in seconds; see the ``MAIL_OUTBOX_*`` keys."""

    poll: float
    lease: float
    first_delay: float
    max_delay: float
    give_up: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> RelaySettings:
        names = ("POLL", "LEASE", "RETRY", "RETRY_MAX", "GIVE_UP")
        return cls(*(config[f"MAIL_OUTBOX_{name}_SECONDS"] for name in names))

    def delay(self, attempts: int, longest: float | None = None) -> float:
        """Return the delay after so many failures: doubled each time, less a random share."""
        longest = self.max_delay if longest is None else longest
        whole = min(longest, self.first_delay * 2.0 ** min(attempts - 1, 30))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


@dataclass(slots=True)
class RelayCounts:
    """The work of this process since it started."""

    sent: int = 0
    retried: int = 0
    dead: int = 0
    outages: int = 0


class Relay:
    """Sends the mail of one app's outbox.

    Attributes:
        counts: The figures of its work.
        status: How much mail there was a moment ago; None until the relay has looked.
    """

    def __init__(
        self, app: Quart, state: MailState, outbox: Outbox, settings: RelaySettings
    ) -> None:
        self.counts = RelayCounts()
        self.status: OutboxStatus | None = None
        self._status_due = 0.0
        self._app = app
        self._state = state
        self._outbox = outbox
        self._settings = settings
        # Of this process: the claims of a process that was killed are not those of its successor.
        self._token = secrets.token_hex(16)
        self._sent: list[Claim] = []  # and not removed yet
        self._outages = 0  # of the server, in a row
        self._failures = OutageLog(logger, "The mail relay")
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._stopped = asyncio.Event()
        self._woken = asyncio.Event()

    async def start(self) -> None:
        """Run in the background until ``stop``."""
        self._is_stopping = False
        self._stopped, self._woken = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="mail relay")

    async def stop(self) -> None:
        """Finish the message that is being sent, and leave the others to other relays."""
        self._is_stopping = True
        self._stopped.set()
        self._woken.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_SECONDS)
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    def wake(self) -> None:
        """Look for mail now; called after the commit of ``enqueue`` in this process."""
        self._woken.set()

    async def send_due(self) -> int:
        """Send all mail that is due, and return how much was sent.

        Raises:
            TemporaryDeliveryError: If the server cannot be reached.
        """
        before = self.counts.sent
        claims = await self._claim()
        try:
            if claims:
                await self._send_all(claims)
        finally:
            await self._release(claims)
        return self.counts.sent - before

    async def _run(self) -> None:
        async with self._app.app_context():
            while not self._is_stopping:
                self._woken.clear()
                seconds = await self._work()
                await self._look()
                # During an outage new mail does not wake it: it would not bring the server back.
                event = self._stopped if self._outages else self._woken
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await event.wait()

    async def _work(self) -> float:
        """Send what is due; return after how many seconds to look again."""
        try:
            await self.send_due()
            self._outages = 0
            due = await self._outbox.next_due()
            self._failures.works()
        except TemporaryDeliveryError as error:
            self._outages += 1
            self.counts.outages += 1
            delay = self._settings.delay(self._outages, MAX_OUTAGE_SECONDS)
            logger.warning("%s No mail is sent for %.1f s.", error, delay)
            return delay
        except Exception as error:
            if is_missing_table(error) or is_missing_database(error):
                remedy = REMEDY if is_missing_table(error) else NO_DATABASE
                logger.warning("the outbox cannot be read yet. %s", remedy)
                self._status_due = time.monotonic() + self._settings.poll
            else:
                self._failures.failed(error)
            return self._settings.poll
        poll = self._settings.poll
        return poll if due is None else min(poll, max(0.0, due - time.time()))

    async def _look(self) -> None:
        """Count the mail now and then, for the metrics."""
        if time.monotonic() < self._status_due:
            return
        try:
            self.status = await self._outbox.status()
        except Exception as error:
            logger.warning("the outbox was not counted: %s", error, exc_info=True)
        self._status_due = time.monotonic() + STATUS_SECONDS

    async def _claim(self) -> list[Claim]:
        await self._remove_sent()
        return await self._outbox.claim(self._token, limit=BATCH, lease=self._settings.lease)

    async def _send_all(self, claims: list[Claim]) -> None:
        """Send claims until there are no more; those that are left were not tried."""
        connection = Connection(self._app, self._state)
        try:
            while claims and not self._is_stopping:
                try:
                    await connection.ensure_open()
                except TemporaryDeliveryError as error:
                    await self._release(claims, str(error))
                    raise
                await self._send(connection, claims.pop(0))
                if not claims:
                    claims += await self._claim()
        finally:
            await connection.close()

    async def _release(self, claims: list[Claim], error: str | None = None) -> None:
        while claims:
            await self._outbox.put_back(claims.pop(), error=error)

    async def _remove_sent(self) -> None:
        """Remove what was sent; if the database fails, again before the next claim."""
        while self._sent:
            await self._outbox.remove(self._sent[0])
            self._sent.pop(0)

    async def _send(self, connection: Connection, claim: Claim) -> None:
        lease = self._settings.lease
        left = claim.ends - time.time()
        if left < lease / 2:
            if not await self._outbox.renew(claim, lease=lease):
                return  # it was too slow, and another relay has the mail
            left = lease
        try:
            async with asyncio.timeout(left):
                await connection.deliver(claim.envelope)
        except RecipientsRefusedError as error:
            await self._failed(
                claim, error, list(error.refused), is_permanent=not error.is_temporary
            )
        except PermanentDeliveryError as error:
            await self._failed(claim, error, is_permanent=True)
        except (DeliveryError, TimeoutError) as error:
            await self._failed(claim, error)
        else:
            self._sent.append(claim)
            self.counts.sent += 1
            await self._remove_sent()

    async def _failed(
        self,
        claim: Claim,
        error: Exception,
        recipients: list[str] | None = None,
        *,
        is_permanent: bool = False,
    ) -> None:
        reason = str(error) or "It took longer than the lease."
        attempts = claim.attempts + 1
        is_dead = is_permanent or time.time() - claim.created > self._settings.give_up
        if is_dead:
            self.counts.dead += 1
            logger.error("mail %d %s is given up: %s", claim.id, claim.envelope.message_id, reason)
        else:
            self.counts.retried += 1
            logger.warning("mail %d is sent again later: %s", claim.id, reason)
        await self._outbox.put_back(
            claim,
            delay=0 if is_dead else self._settings.delay(attempts),
            error=reason,
            attempts=attempts,
            recipients=recipients,
            is_dead=is_dead,
        )
        if is_dead:
            try:
                await announce(email_failed, self._app, envelope=claim.envelope, error=reason)
            except Exception:
                logger.exception("a receiver of 'email_failed' has failed")
