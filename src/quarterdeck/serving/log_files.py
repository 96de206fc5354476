"""Log files: a handler that writes many lines at once, and opening them again."""

from __future__ import annotations

import logging
import sys
from io import FileIO
from pathlib import Path
from typing import Any

#: Seconds that a line waits for others: to write each by itself is most of its cost.
DELAY = 0.02
#: Lines that are written without waiting longer.
MAX_WAITING = 1000


class LineWriter(logging.Handler):
    """Writes lines to a file, or to standard output, in batches of ``DELAY`` seconds.

    ``write`` is for one thread: that of the event loop. A process that is killed loses the lines
    of its last ``DELAY`` seconds. A file that cannot be written is reported once, and its lines
    are dropped until it can.

    Args:
        target: The path of the file, opened at once; ``-`` is standard output.

    Raises:
        OSError: If the file cannot be opened.
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self._path = None if target == "-" else Path(target).absolute()
        self._lines: list[str] = []
        self._has_failed = False
        self._file = None if self._path is None else FileIO(self._path, "a")

    def is_alone_at(self, logger: logging.Logger) -> bool:
        """Whether a record of the logger would reach this handler only, unfiltered."""
        is_plain = not (logger.filters or self.filters or logger.propagate or logger.disabled)
        return is_plain and len(logger.handlers) == 1 and logger.handlers[0] is self

    def write(self, line: str) -> None:
        """Take a line without its end; call it on the event loop."""
        self._lines.append(line)
        if len(self._lines) == 1:
            import asyncio  # the supervisor has no event loop

            asyncio.get_running_loop().call_later(DELAY, self.flush)
        elif len(self._lines) >= MAX_WAITING:
            self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of other code at once."""
        self._lines.append(self.format(record))
        self.flush()

    def flush(self) -> None:
        """Write the lines that wait."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        try:
            self._write("\n".join(lines) + "\n")
        except (OSError, ValueError) as error:  # a full disk; a closed standard output
            if not self._has_failed:
                self._has_failed = True
                where = self._path or "standard output"
                logging.getLogger("hypercorn.error").error(
                    "The access log cannot be written to %s: %s", where, error
                )
        else:
            self._has_failed = False

    def _write(self, text: str) -> None:
        if self._path is not None:  # one call, so that workers do not write into lines of others
            self._file = self._file or FileIO(self._path, "a")
            self._file.write(text.encode())
            return
        if not text.isascii():
            encoding = sys.stdout.encoding or "utf-8"
            text = text.encode(encoding, "backslashreplace").decode(encoding)
        sys.stdout.write(text)
        sys.stdout.flush()

    def reopen(self) -> None:
        """Close the file, after another program has renamed it: the next line opens a new one."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Write the lines that wait, and close the file."""
        self.reopen()
        super().close()


def reopen_logs() -> None:
    """Close all log files, after another program has renamed them: the next line opens new ones."""
    loggers: list[Any] = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, LineWriter):
                handler.reopen()
            elif isinstance(handler, logging.FileHandler):
                handler.acquire()
                try:
                    if handler.stream is not None:
                        handler.stream.close()
                        handler.stream = None  # as after delay=True
                finally:
                    handler.release()
