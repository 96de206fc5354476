"""Log records about a condition that every request meets: a few lines, however many requests.

Each is an object of one process, used from its event loop.
"""

from __future__ import annotations

import logging
import time

MAX_CAUSES = 10  # of one outage; a text that differs each time must not fill the log
EVERY_SECONDS = 60.0


class OutageLog:
    """Logs when something fails, once per cause, and when it works again.

    Args:
        logger: Gets an error at the beginning, and an info at the end.
        name: The thing that fails, as the subject of a sentence.
    """

    def __init__(self, logger: logging.Logger, name: str) -> None:
        self._logger = logger
        self._name = name
        self._causes: set[str] = set()

    def failed(self, cause: str | Exception) -> None:
        """Note a failure; a cause that this outage has had before is not logged again.

        Args:
            cause: A text, or an error, which is logged with its traceback.
        """
        # SQLAlchemy's text has the values of the statement, which differ each time.
        text = str(getattr(cause, "orig", None) or cause) or type(cause).__name__
        if text not in self._causes and len(self._causes) < MAX_CAUSES:
            self._causes.add(text)
            error = cause if isinstance(cause, Exception) else None
            self._logger.error("%s does not work: %s", self._name, text, exc_info=error)

    def works(self) -> None:
        """Note a success."""
        if self._causes:
            self._causes.clear()
            self._logger.info("%s works again", self._name)


class RepeatedWarning:
    """Logs a warning at most once a minute, with the number of times it was left out."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._next = 0.0
        self._left_out = 0

    def warning(self, text: str, *values: object) -> None:
        """Log the text, unless it was logged less than a minute ago."""
        now = time.monotonic()
        if now < self._next:
            self._left_out += 1
            return
        if self._left_out:
            text, values = f"{text} (%d times more since the last line)", (*values, self._left_out)
        self._next, self._left_out = now + EVERY_SECONDS, 0
        self._logger.warning(text, *values)
