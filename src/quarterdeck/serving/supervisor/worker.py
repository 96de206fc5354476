"""A process that serves: it tells the supervisor that it is well, and does as it is told."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

from hypercorn.config import Sockets

from quarterdeck.exceptions import QuarterdeckError
from quarterdeck.serving.config import Config
from quarterdeck.serving.log_files import reopen_logs
from quarterdeck.serving.server import serve

from .channel import Channel
from .plan import Plan
from .refusals import check_extensions, refuse_unsafe

#: Seconds between two signs of life.
BEAT_SECONDS = 1.0
FAILED = 3  # exit code


def run(app: Any, plan: Plan, channel: Channel, sockets: list[socket]) -> int:
    """Serve until the supervisor says stop or is gone; return the exit code."""
    faulthandler.enable()  # the supervisor ends a hung worker with SIGABRT: the log shows where
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which says stop
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        refuse_unsafe(app, plan.count)
        config = plan.config()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_Worker(app, plan, config, channel, sockets).serve())
    except Exception as error:
        channel.send("failed", reason=reason(error))
        return FAILED
    return 0


def reason(error: BaseException) -> str:
    """Return the sentence of an expected error, the traceback of another one."""
    if isinstance(error, QuarterdeckError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Worker:
    def __init__(
        self, app: Any, plan: Plan, config: Config, channel: Channel, sockets: list[socket]
    ) -> None:
        self.app = app
        self.plan = plan
        self.config = config
        self.check = plan.load_check()
        self.channel = channel
        self.sockets = Sockets(sockets[: plan.secure], sockets[plan.secure :], [])
        self.stop = asyncio.Event()
        self.drains = False
        self.asked = False

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        loop.add_signal_handler(signal.SIGUSR1, reopen_logs)
        loop.add_reader(self.channel.fileno(), self._obey)
        beating = asyncio.create_task(self._beat())
        try:
            await self.check(self.app)
            await serve(
                self.app,
                self.config,
                shutdown_trigger=self._stopped,
                check=check_extensions if self.plan.checks_extensions else None,
                sockets=self.sockets,
                on_listening=lambda: self.channel.send("ready"),
                on_max_requests=lambda: self._ask_for_successor("max_requests"),
            )
        finally:
            beating.cancel()
            loop.remove_reader(self.channel.fileno())

    def _obey(self) -> None:
        messages = self.channel.receive()
        if messages is None:  # the supervisor is gone
            asyncio.get_running_loop().remove_reader(self.channel.fileno())
            self.stop.set()
            return
        for message in messages:
            if message["kind"] == "stop":
                self.drains = message["drains"]
                self.stop.set()
            elif message["kind"] == "reopen logs":
                reopen_logs()

    async def _stopped(self) -> bool:
        await self.stop.wait()
        return self.drains

    async def _beat(self) -> None:
        limit = self.config.worker_max_memory
        while True:
            self.channel.send("beat")
            if limit is not None and resident_memory() > limit:
                self._ask_for_successor("worker_max_memory")
            await asyncio.sleep(BEAT_SECONDS)

    def _ask_for_successor(self, limit: str) -> None:
        if not self.asked:
            self.asked = True
            self.channel.send("recycle", limit=limit)


def resident_memory() -> int:
    """Return the resident memory of this process in bytes; 0 where it cannot be read."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])  # no disk behind it
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
