"""The folder for the metrics of the workers, with the supervisor's own figures."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from quarterdeck._metrics_folder import VARIABLE, write_supervisor

REASONS = ("died", "hung", "recycled", "reloaded")
_PREFIX = "quarterdeck-metrics-"
_LOCK = "lock"


class Figures:
    """Counts how many workers were replaced; keeps the folder while the supervisor runs.

    Args:
        workers: How many serve.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._replaced = dict.fromkeys(REASONS, 0)
        self._folder: Path | None = None
        #: Files that the processes of this supervisor inherit: while one of them lives, the
        #: folder is locked.
        self.files: list[int] = []

    def __enter__(self) -> None:
        remove_abandoned()
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.files.append(_lock(self._folder))
        os.environ[VARIABLE] = str(self._folder)  # for the processes that are started
        self._write()

    def __exit__(self, *_: object) -> None:
        os.environ.pop(VARIABLE, None)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        while self.files:
            os.close(self.files.pop())

    def replaced(self, reason: str) -> None:
        """Count a worker that was replaced, for one of ``REASONS``."""
        self._replaced[reason] += 1
        self._write()

    def _write(self) -> None:
        if self._folder is not None:
            write_supervisor(self._folder, self._workers, self._replaced)


def remove_abandoned() -> None:
    """Remove the folders of supervisors that were killed, if none of their processes lives.

    The lock tells it, and not a process id: that may be in use again, or belong to a container
    with the same temporary folder. Any number of servers may start at once.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # locked, of another user, or just removed by another server
            if path.parent.stat().st_uid != os.geteuid():
                continue
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent)
            finally:
                os.close(file)


def _lock(folder: Path) -> int:
    """Return a file in the folder that is locked until all processes that have it are gone."""
    draft = folder / f"{_LOCK}.new"
    file = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    draft.rename(folder / _LOCK)  # another server looks at this name: it is locked already
    return file
