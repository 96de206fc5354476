"""The processes that the supervisor starts: factories, and the workers that they make."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket
from time import monotonic

from .channel import Channel
from .plan import Plan

_MODULE = "quarterdeck.serving.supervisor.factory"


@dataclass(eq=False)
class Worker:
    """A process that serves.

    Attributes:
        number: Counts the workers of a supervisor.
        generation: Of the code; each reload begins another one.
        channel: To it.
        beat: When it last gave a sign of life, by the monotonic clock.
        pid: None until it is known.
        ready: Whether it serves.
        reason: Its own words about its failure.
        recycle: The limit that it has passed, if it asks for a successor.
        deadline: When it is killed, once it was told to stop.
        aborted: Whether it was told to show where it hangs.
    """

    number: int
    generation: int
    channel: Channel
    started: float = field(default_factory=monotonic)
    beat: float = field(default_factory=monotonic)
    pid: int | None = None
    ready: bool = False
    reason: str | None = None
    recycle: str | None = None
    deadline: float | None = None
    aborted: bool = False

    @property
    def name(self) -> str:
        return f"Worker {self.pid or self.number}"

    def stop(self, seconds: float, *, drains: bool) -> None:
        """Tell it to stop; it may take some seconds.

        Args:
            seconds: After which it is killed.
            drains: Whether the host stops, instead of this worker only.
        """
        self.channel.send("stop", drains=drains)
        self.deadline = monotonic() + seconds

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Factory:
    """A process that has imported the app and forks workers; or, to spawn, one for each worker.

    Args:
        plan: Sent to each process.
        sockets: The listening sockets, which each worker inherits.
        files: Further file descriptors that are open in each process.
        spawn: Whether each worker imports the app by itself.
        generation: Of the code.

    Attributes:
        has_served: Whether a worker of this code has served. The others then start without the
            check of the plan: a worker that died must be replaced although the database has been
            migrated for the next version, or Redis is away for a while.
    """

    def __init__(
        self,
        plan: Plan,
        sockets: Sequence[socket],
        *,
        files: Sequence[int] = (),
        spawn: bool,
        generation: int,
    ) -> None:
        self.plan = plan
        self.generation = generation
        self.spawn = spawn
        self.loaded = spawn
        self.has_served = False
        self.channel: Channel | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        self._sockets = sockets
        self._files = files
        if not spawn:
            self.channel = self._start("fork")

    def start_worker(self, number: int) -> Worker:
        """Start a worker; it says ``ready`` on its channel later."""
        if self.spawn:
            worker = Worker(number, self.generation, self._start("spawn"))
            worker.pid = self.processes[-1].pid
            return worker
        here, there = Channel.pair()
        self._channel.send("fork", files=[there.fileno()], worker=number, check=not self.has_served)
        there.close()
        return Worker(number, self.generation, here)

    @property
    def _channel(self) -> Channel:
        if self.channel is None:
            raise RuntimeError("The factory has ended.")
        return self.channel

    def exit_code(self, pid: int | None) -> int | None:
        """Reap a spawned process and return its exit code."""
        for process in self.processes:
            if process.pid == pid:
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(1)  # its channel has ended: so has it
        return None

    def close(self) -> None:
        """Let the process end; its workers go on."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _start(self, mode: str) -> Channel:
        here, there = Channel.pair()
        inherited = [there, *self._sockets]
        numbers = [str(sock.fileno()) for sock in inherited]
        command = [sys.executable, "-m", _MODULE, numbers[0], mode, *numbers[1:]]
        self.processes.append(
            subprocess.Popen(  # noqa: S603 - this interpreter and our own module
                command, pass_fds=[*(sock.fileno() for sock in inherited), *self._files]
            )
        )
        there.close()
        plan = self.plan.without_checks() if self.has_served else self.plan
        here.send("plan", plan=plan.to_json())
        return here


def reap(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Wait for processes that were told to end; kill those that take longer."""
    end = monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, end - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
