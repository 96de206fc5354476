"""Files of metrics that outlive a worker.

``prometheus_client`` keeps the values of several processes in memory-mapped files, named after
the process. Here they are named after a *seat*: a number that one living process holds by a file
lock. The system releases the lock of a process that dies, however that happens; the next worker
takes the seat and counts on in its files. So counters never go down, and there are never more
files than the most workers that were alive at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from prometheus_client import values

from quarterdeck._metrics_folder import metrics_folder

try:
    import fcntl
except ImportError:  # Windows, where no supervisor runs
    fcntl = None  # type: ignore[assignment]  # nothing calls it there

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it opens a file
_held: tuple[int, int] | None = None  # the seat of this process, and the file of its lock


def share_values(folder: Path) -> None:
    """Let all metrics that are made from now on share their values with the other workers."""
    os.environ[_FOLDER] = str(folder)
    if values.ValueClass is values.MutexValue:
        values.ValueClass = values.MultiProcessValue(_seat)


def files(folder: Path) -> list[str]:
    """Return the files of all seats, without the gauges of a seat that nothing holds."""
    taken: dict[str, bool] = {}
    found = []
    for path in sorted(folder.glob("*.db")):
        kind, _, seat = path.stem.rpartition("_")
        if seat not in taken:
            taken[seat] = _is_taken(folder, seat)
        if taken[seat] or not kind.startswith("gauge"):
            found.append(str(path))
    return found


def _seat() -> int:
    """Return the seat of this process; take a free one at the first call, and after a fork."""
    global _held
    if _held is None:
        folder = Path(os.environ[_FOLDER])
        _held = next(_free_seats(folder))
        for gauge in folder.glob(f"gauge_*_{_held[0]}.db"):
            gauge.unlink()  # of the worker before
    return _held[0]


def _free_seats(folder: Path) -> Iterator[tuple[int, int]]:
    for number in count():
        lock = os.open(folder / f"{number}.seat", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            yield number, lock


def _is_taken(folder: Path, seat: str) -> bool:
    try:
        lock = os.open(folder / f"{seat}.seat", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # a file of another program, named after a process
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _leave() -> None:
    """Let the seat to the parent: a lock counts until all copies of its file are closed."""
    global _held
    if _held is not None:
        with suppress(OSError):
            os.close(_held[1])
        _held = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)
if (_shared := metrics_folder()) is not None:
    share_values(_shared)
