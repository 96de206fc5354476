"""The folder for the metrics of the workers, with the supervisor's own figures."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from quarterdeck._metrics_folder import VARIABLE, write_supervisor

REASONS = ("died", "hung", "recycled", "reloaded")


class Figures:
    """Counts how many workers were replaced; keeps the folder while the supervisor runs.

    Args:
        workers: How many serve.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._replaced = dict.fromkeys(REASONS, 0)
        self._folder: Path | None = None

    def __enter__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="quarterdeck-metrics-"))
        os.environ[VARIABLE] = str(self._folder)  # for the processes that are started
        self._write()

    def __exit__(self, *_: object) -> None:
        os.environ.pop(VARIABLE, None)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def replaced(self, reason: str) -> None:
        """Count a worker that was replaced, for one of ``REASONS``."""
        self._replaced[reason] += 1
        self._write()

    def _write(self) -> None:
        if self._folder is not None:
            write_supervisor(self._folder, self._workers, self._replaced)
