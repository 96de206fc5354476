"""Serve an app as a command does: in this process, or in several under a supervisor."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from typing import Any

from quarterdeck.serving.config import Config
from quarterdeck.serving.log_files import reopen_logs
from quarterdeck.serving.server import serve

from .addresses import open_sockets
from .collector import collector_paused
from .plan import Check, Plan, no_check
from .refusals import check_extensions, refuse_unsafe
from .worker import loop_factory

_MODULE = "quarterdeck.serving.supervisor"


def start(plan: Plan, *, spawn: bool = False) -> None:
    """Serve until SIGTERM or SIGINT.

    With several workers this process becomes the supervisor, which holds no code of the app; the
    call does not return.

    Raises:
        QuarterdeckError: If the app, its configuration or an address cannot be used.
    """
    config = plan.config()
    if plan.count > 1:
        command = [sys.executable, "-m", _MODULE, json.dumps(plan.to_json())]
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [*command, *(["--spawn"] if spawn else [])])  # noqa: S606  # this interpreter and our own module
    with collector_paused():
        app, check = plan.load(), plan.load_check()
    _serve_here(app, config, check, checks_extensions=plan.checks_extensions)


def run(app: Any, *, bind: str | None = None, config: Config | None = None) -> None:
    """Serve an app in this process until SIGTERM or Ctrl-C, in place of ``app.run()``::

        if __name__ == "__main__":
            run(app, bind="127.0.0.1:5000")

    It stops as ``quarterdeck serve`` does, and refuses the same mistakes.

    Args:
        app: A Quart app, or any ASGI app.
        bind: The address to listen on, ``127.0.0.1:8000`` by default.
        config: Limits, certificates and logs; ``bind`` wins over its addresses.

    Raises:
        QuarterdeckError: If the app, its configuration or an address cannot be used.
        RuntimeError: If it is called in an event loop.
    """
    config = config or Config()
    if bind is not None:
        config.bind = [bind]
    _serve_here(app, config, no_check, checks_extensions=True)


def _serve_here(app: Any, config: Config, check: Check, *, checks_extensions: bool) -> None:
    refuse_unsafe(app, 1)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(app, config, check, checks_extensions))


async def _serve(app: Any, config: Config, check: Check, checks_extensions: bool) -> None:
    await check(app)
    gc.collect()
    gc.freeze()  # what was made until here stays: the collector need not look at it again
    stop, hangup = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    loop.add_signal_handler(signal.SIGUSR1, reopen_logs)

    async def hung_up() -> None:
        await hangup.wait()
        hangup.clear()

    await serve(
        app,
        config,
        shutdown_trigger=stop.wait,
        check=check_extensions if checks_extensions else None,
        sockets=open_sockets(config),
        reload_trigger=hung_up,
    )
