"""A process that serves: it tells the supervisor that it is well, and does as it is told."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

from hypercorn.config import Sockets

from quarterdeck._state import states_of
from quarterdeck._weak_secrets import REMEDY, is_known
from quarterdeck.exceptions import ConfigurationError, QuarterdeckError, SingleProcessError
from quarterdeck.serving.config import Config
from quarterdeck.serving.server import serve

from .channel import Channel
from .plan import Plan

#: Seconds between two signs of life.
BEAT_SECONDS = 1.0
FAILED = 3  # exit code


def run(app: Any, plan: Plan, channel: Channel, sockets: list[socket]) -> int:
    """Serve until the supervisor says stop or is gone; return the exit code."""
    faulthandler.enable()  # the supervisor ends a hung worker with SIGABRT: the log shows where
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which says stop
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        refuse_known_secret_key(app)
        refuse_several_processes(app, plan.count)
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


def refuse_known_secret_key(app: Any) -> None:
    """Raise ConfigurationError if strangers know the secret key of an app, unless it debugs."""
    config = getattr(app, "config", {})
    key = config.get("SECRET_KEY")
    if key and is_known(key) and not (config.get("DEBUG") or config.get("TESTING")):
        raise ConfigurationError("SECRET_KEY", "is one that everybody knows", REMEDY)


def refuse_several_processes(app: Any, workers: int) -> None:
    """Raise SingleProcessError if extensions of the app keep data in memory."""
    states = states_of(app) if hasattr(app, "extensions") else ()
    found = [getattr(state, "single_process", None) for state in states]
    reasons = [reason for reason in found if reason is not None]
    if reasons and workers > 1:
        raise SingleProcessError(workers, reasons)


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


def reopen_logs() -> None:
    """Close all log files, after another program has renamed them: the next line opens new ones."""
    loggers: list[Any] = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.FileHandler):
                handler.acquire()
                try:
                    if handler.stream is not None:
                        handler.stream.close()
                        handler.stream = None  # as after delay=True
                finally:
                    handler.release()
