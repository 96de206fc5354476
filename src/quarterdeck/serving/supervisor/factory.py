"""The process that imports the app once, and forks workers from it.

The supervisor starts it as ``python -m quarterdeck.serving.supervisor.factory CHANNEL MODE
SOCKET ...`` with open file descriptors, so that the supervisor itself never holds code of the
app, and a restart gets the new code. In the mode ``spawn`` the process is itself a worker.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from socket import socket

from quarterdeck.exceptions import ThreadAtForkError

from . import worker
from .channel import Channel
from .collector import collector_paused
from .plan import Plan
from .preload import preload
from .settle import settle


def main(arguments: list[str]) -> int:
    """Import the app as the supervisor says, then fork or serve."""
    channel = Channel(socket(fileno=int(arguments[0])))
    sockets = [socket(fileno=int(number)) for number in arguments[2:]]
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(name, signal.SIG_IGN)
    try:
        return _obey(channel, arguments[1], sockets)
    finally:
        channel.close()
        for opened in sockets:
            opened.close()


def _obey(channel: Channel, mode: str, sockets: list[socket]) -> int:
    plan = _receive_plan(channel)
    if plan is None:
        return 0
    try:
        with collector_paused():
            app = plan.load()
            if mode == "fork":
                preload(app)
        if mode == "fork":
            _refuse_threads(plan.target)
    except Exception as error:
        channel.send("failed", reason=worker.reason(error))
        return worker.FAILED
    settle()
    if mode == "spawn":
        return worker.run(app, plan, channel, sockets)
    channel.send("loaded")
    return _fork_on_demand(app, plan, channel, sockets)


def _receive_plan(channel: Channel) -> Plan | None:
    while True:
        select.select([channel], [], [])
        messages = channel.receive()
        if messages is None:
            return None
        for message in messages:
            return Plan.from_json(message["plan"])


def _refuse_threads(target: str) -> None:
    names = [
        thread.name for thread in threading.enumerate() if thread is not threading.current_thread()
    ]
    if names:
        raise ThreadAtForkError(target, names)


def _fork_on_demand(app: object, plan: Plan, channel: Channel, sockets: list[socket]) -> int:
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([channel.fileno(), waking], [], [])
        if waking in ready:
            os.read(waking, 512)
            _report_ended(channel)
        if channel.fileno() not in ready:
            continue
        messages = channel.receive()
        if messages is None:  # the supervisor is gone, or needs no more workers of this code
            return 0
        for message in messages:
            end = socket(fileno=channel.files.pop(0))
            its_plan = plan if message["check"] else plan.without_checks()
            pid = os.fork()
            if pid == 0:
                _become_worker(app, its_plan, channel, end, sockets, (waking, woken))
            end.close()
            channel.send("forked", worker=message["worker"], pid=pid)


def _become_worker(
    app: object,
    plan: Plan,
    channel: Channel,
    end: socket,
    sockets: list[socket],
    pipe: tuple[int, int],
) -> None:
    """Serve in the new process, and never return into the loop of the factory."""
    code = worker.FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        channel.close()
        for number in pipe:
            os.close(number)
        code = worker.run(app, plan, Channel(end), sockets)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _report_ended(channel: Channel) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        channel.send("ended", pid=pid, code=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
