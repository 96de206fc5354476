"""The process that keeps N workers serving: it starts, watches, replaces and stops them."""

from __future__ import annotations

import logging
import os
import selectors
import signal
from dataclasses import dataclass, replace
from subprocess import Popen
from time import monotonic

from quarterdeck.serving.config import CANCEL_SECONDS
from quarterdeck.serving.log_files import reopen_logs

from .addresses import open_sockets, shown_address
from .figures import Figures
from .notify import Notifier
from .plan import Plan
from .processes import Factory, Worker, reap
from .signals import signals_in_pipe

#: Seconds before a worker that failed is started again; doubled with each failure.
FIRST_BACKOFF = 0.5
LAST_BACKOFF = 30.0
#: The longest such wait after a worker that has served.
SERVED_BACKOFF = 2.0
#: A worker that served for so many seconds is no failure of its start.
SETTLED_SECONDS = 10.0
_TICK = 0.25
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


@dataclass(eq=False)
class Slot:
    """The place of one worker, which is filled again and again.

    Attributes:
        active: The worker that serves.
        coming: The worker that starts, to replace it.
        failures: How often in a row a worker failed.
        retry: When the next one may start.
    """

    active: Worker | None = None
    coming: Worker | None = None
    failures: int = 0
    retry: float = 0.0


class Supervisor:
    """Keeps workers of an app serving on shared sockets until SIGTERM or SIGINT.

    It holds no code of the app and runs no event loop. SIGHUP replaces all workers by ones with
    new code, one after the other; SIGUSR1 lets them open their log files again.

    Args:
        plan: The app, its configuration and the number of workers.
        spawn: Whether each worker imports the app itself, instead of being forked.
    """

    def __init__(self, plan: Plan, *, spawn: bool = False) -> None:
        self.plan = plan
        self.spawn = spawn
        self.config = plan.config()
        self.slots = [Slot() for _ in range(plan.count)]
        self.retiring: list[Worker] = []
        self.reasons: list[str] = []
        self._count = 0
        self._factories: list[Factory] = []
        self._ending: list[Popen[bytes]] = []  # factories that were dropped
        self._selector = selectors.DefaultSelector()
        self._notifier = Notifier()
        self._was_ready = False
        self._stopping: float | None = None  # until when
        self._reloading = False
        self._code: int | None = None
        self._figures = Figures(plan.count)
        self._log = self.config.log.error_logger or logging.getLogger("quarterdeck.serving")

    def run(self) -> int:
        """Serve; return the exit code: 0 after a stop, 1 if no worker could start."""
        found = open_sockets(self.config)
        self._sockets = [*found.secure_sockets, *found.insecure_sockets]
        self.plan = replace(self.plan, secure=len(found.secure_sockets))
        # The first worker that is ready makes them listen: until then a proxy sees a refused
        # connection, and asks another host at once.
        with self._figures, signals_in_pipe(_SIGNALS) as wake:
            self._selector.register(wake, selectors.EVENT_READ)
            self._begin_generation()
            try:
                while self._code is None:
                    for key, _ in self._selector.select(self._patience()):
                        self._attend(key)
                    self._keep_in_order()
            finally:
                self._end()
        return self._code

    # --- signals --------------------------------------------------------------------------

    def _say_running(self) -> None:
        for number, sock in enumerate(self._sockets):
            scheme = "https" if number < self.plan.secure else "http"
            address = shown_address(sock)
            self._log.info(
                "Running on %s://%s with %d workers (CTRL + C to quit)",
                scheme,
                address,
                len(self.slots),
            )

    def _attend(self, key: selectors.SelectorKey) -> None:
        if isinstance(key.data, Worker):
            self._hear_worker(key.data)
        elif isinstance(key.data, Factory):
            if key.data in self._factories:  # what came before it may have ended all of them
                self._hear_factory(key.data)
        else:
            for number in os.read(key.fd, 512):
                self._obey(signal.Signals(number))

    def _obey(self, name: signal.Signals) -> None:
        if name in {signal.SIGTERM, signal.SIGINT}:
            if self._stopping is not None:
                self._log.warning("Second %s: all workers are killed", name.name)
                self._kill_all()
                self._code = 1
            else:
                self._stop()
        elif name == signal.SIGHUP and self._stopping is None:
            self._log.info("SIGHUP: a new generation of workers replaces this one")
            self._notifier.reloading()
            self._reloading = True
            self._begin_generation()
        elif name == signal.SIGUSR1:
            reopen_logs()
            for worker in self._workers():
                worker.channel.send("reopen logs")

    # --- what processes say ---------------------------------------------------------------

    def _hear_factory(self, factory: Factory) -> None:
        channel = factory.channel
        messages = None if channel is None else channel.receive()
        for message in messages or ():
            match message["kind"]:
                case "loaded":
                    factory.loaded = True
                case "failed":
                    self._say_once(message["reason"])
                case "forked":
                    for worker in self._workers():
                        if worker.number == message["worker"]:
                            worker.pid = message["pid"]
                case "ended":
                    self._note_end(message["pid"], message["code"])
        if messages is None:
            self._drop(factory)
            self._lost_factory(factory)

    def _lost_factory(self, factory: Factory) -> None:
        if factory.generation != self._generation or self._stopping is not None:
            return
        if not factory.loaded:
            if self._reloading and self._factories:
                self._give_up_reload()
            else:
                self._log.error("The app cannot be loaded: no worker serves")
                self._code = 1
        else:
            self._log.warning("The process that forks workers is gone: it is started again")
            self._begin_generation(same=True)

    def _hear_worker(self, worker: Worker) -> None:
        messages = worker.channel.receive()
        for message in messages or ():
            worker.beat = monotonic()
            match message["kind"]:
                case "ready":
                    self._now_ready(worker)
                case "failed":
                    worker.reason = message["reason"]
                case "recycle":
                    worker.recycle = message["limit"]
        if messages is None:
            self._gone(worker)

    def _now_ready(self, worker: Worker) -> None:
        worker.ready = True
        for factory in self._factories:
            if factory.generation == worker.generation:
                factory.has_served = True
        for slot in self.slots:
            if slot.coming is worker:
                if slot.active is not None:
                    self._figures.replaced("recycled" if slot.active.recycle else "reloaded")
                    self._retire(slot.active)
                slot.active, slot.coming = worker, None

    def _retire(self, worker: Worker) -> None:
        drains = self._stopping is not None
        delay = self.config.drain_delay if drains else 0
        worker.stop(self._stop_seconds + delay, drains=drains)
        self.retiring.append(worker)

    def _gone(self, worker: Worker) -> None:
        self._selector.unregister(worker.channel)
        worker.channel.close()
        for factory in self._factories:
            if factory.spawn:
                code = factory.exit_code(worker.pid)
                if code is not None:
                    self._note_end(worker.pid, code)
        if worker in self.retiring:
            self.retiring.remove(worker)
            return
        for slot in self.slots:
            if slot.active is worker:
                slot.active = None
                settled = monotonic() - worker.started > SETTLED_SECONDS
                self._log.error("%s is gone: another one takes its place", worker.name)
                self._figures.replaced("hung" if worker.aborted else "died")
                self._failed(slot, worker, settled=settled)
            elif slot.coming is worker:
                slot.coming = None
                self._failed(slot, worker, settled=False)

    def _failed(self, slot: Slot, worker: Worker, *, settled: bool) -> None:
        if worker.reason is not None:
            self._say_once(worker.reason)
        if worker.ready and (settled or slot.failures == 0):
            slot.failures = 0 if settled else 1
            slot.retry = 0.0  # at once: the others must not carry its load for long
            return
        slot.failures += 1
        longest = SERVED_BACKOFF if worker.ready else LAST_BACKOFF
        wait = min(longest, FIRST_BACKOFF * 2 ** (slot.failures - 1))
        slot.retry = monotonic() + wait
        if self._reloading and not worker.ready:
            self._give_up_reload()
        elif not self._was_ready and all(slot.failures for slot in self.slots):
            self._log.error("No worker can start")
            self._stop()
            self._code = 1

    def _note_end(self, pid: int | None, code: int) -> None:
        if code < 0:
            self._log.warning("Worker %s was ended by %s", pid, signal.Signals(-code).name)
        elif code:
            self._log.warning("Worker %s ended with exit code %d", pid, code)

    def _say_once(self, reason: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)
            self._log.error("A worker cannot start: %s", reason)

    # --- keeping order --------------------------------------------------------------------

    def _keep_in_order(self) -> None:
        now = monotonic()
        self._ending = [each for each in self._ending if each.poll() is None]
        self._end_hung_workers(now)
        if self._stopping is not None:
            self._go_on_stopping(now, self._stopping)
            return
        self._start_missing_workers(now)
        current = all(
            slot.active is not None and slot.active.generation == self._generation
            for slot in self.slots
        )
        if current and (self._reloading or not self._was_ready):
            if not self._was_ready:
                self._say_running()
            self._was_ready, self._reloading = True, False
            self.reasons.clear()
            self._close_old_factories()
            self._notifier.ready()
        self._watchdog(now)

    def _start_missing_workers(self, now: float) -> None:
        factory = self._factories[-1] if self._factories else None
        if factory is None or not factory.loaded:
            return
        replacing = any(slot.coming and slot.active for slot in self.slots)
        for slot in self.slots:
            if slot.coming is not None or now < slot.retry:
                continue
            worker = slot.active
            is_old = worker is not None and (
                worker.generation != self._generation or worker.recycle is not None
            )
            if worker is not None and (replacing or not is_old):
                continue  # healthy workers are replaced one after the other
            if worker is not None and worker.recycle is not None:
                self._log.info("%s has reached %s: it is replaced", worker.name, worker.recycle)
            replacing = replacing or is_old
            self._count += 1
            slot.coming = factory.start_worker(self._count)
            self._selector.register(slot.coming.channel, selectors.EVENT_READ, slot.coming)

    def _end_hung_workers(self, now: float) -> None:
        for worker in self._workers():
            late = worker.deadline is not None and now > worker.deadline
            limit = self.config.worker_hang_timeout if worker.ready else self.config.startup_timeout
            if late or now - worker.beat > limit + 1:
                worker.kill()
            elif now - worker.beat > limit and not worker.aborted:
                worker.aborted = True
                self._log.error("%s gave no sign of life for %g s: it is ended", worker.name, limit)
                worker.kill(signal.SIGABRT)

    def _watchdog(self, now: float) -> None:
        interval = self._notifier.interval
        if interval is not None and now >= self._next_watchdog:
            self._next_watchdog = now + interval
            self._notifier.alive()

    _next_watchdog = 0.0

    def _patience(self) -> float:
        interval = self._notifier.interval
        return _TICK if interval is None else min(_TICK, interval)

    # --- generations and the end ----------------------------------------------------------

    _generation = 0

    def _begin_generation(self, *, same: bool = False) -> None:
        if not same:
            self._generation += 1
        factory = Factory(
            self.plan,
            self._sockets,
            files=self._figures.files,
            spawn=self.spawn,
            generation=self._generation,
        )
        self._factories.append(factory)
        if factory.channel is not None:
            self._selector.register(factory.channel, selectors.EVENT_READ, factory)

    def _give_up_reload(self) -> None:
        self._log.error("The reload is given up: the workers that serve go on")
        self._reloading = False
        self._generation -= 1
        failed = [one for one in self._factories if one.generation > self._generation]
        for factory in failed:
            self._drop(factory)
        for slot in self.slots:
            slot.failures, slot.retry = 0, 0.0
            if slot.active is not None:
                slot.active.generation = min(slot.active.generation, self._generation)
        self._notifier.ready()

    def _close_old_factories(self) -> None:
        for factory in self._factories[:-1]:
            if not factory.spawn:
                self._drop(factory)

    def _drop(self, factory: Factory) -> None:
        """Let a factory end; the workers that it has made go on."""
        self._factories.remove(factory)
        if factory.channel is not None:
            self._selector.unregister(factory.channel)
        factory.close()
        if not factory.spawn:
            self._ending += factory.processes

    def _workers(self) -> list[Worker]:
        placed = [worker for slot in self.slots for worker in (slot.active, slot.coming)]
        return [worker for worker in (*placed, *self.retiring) if worker is not None]

    @property
    def _stop_seconds(self) -> float:
        return self.config.graceful_timeout + CANCEL_SECONDS + self.config.shutdown_timeout

    def _stop(self) -> None:
        self._notifier.stopping()
        self._stopping = monotonic() + self._stop_seconds + self.config.drain_delay
        for sock in self._sockets:
            sock.close()
        for factory in [one for one in self._factories if not one.spawn]:
            self._drop(factory)  # it holds the sockets too
        for slot in self.slots:
            for worker in (slot.active, slot.coming):
                if worker is not None:
                    self._retire(worker)
            slot.active = slot.coming = None

    def _go_on_stopping(self, now: float, until: float) -> None:
        if not self.retiring:
            self._code = 0 if self._code is None else self._code
        elif now > until:
            self._log.error("%d workers did not stop in time: they are killed", len(self.retiring))
            self._kill_all()
            self._code = 1

    def _kill_all(self) -> None:
        for worker in self._workers():
            worker.kill()

    def _end(self) -> None:
        self._kill_all()
        for worker in self._workers():
            worker.channel.close()
        for sock in self._sockets:
            sock.close()
        for factory in self._factories:
            factory.close()
            if factory.spawn:
                factory.kill()
            else:
                self._ending += factory.processes
        reap(self._ending, CANCEL_SECONDS)
        self._selector.close()
