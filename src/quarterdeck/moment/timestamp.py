"""One time on a page: an element that is readable as it is and that the script translates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from markupsafe import Markup, escape

from quarterdeck.exceptions import MomentArgumentError

from . import distance, tokens

When = datetime | date | str
_REFRESH_MINUTES = 1
_FULL = "LLL"
_FULL_DATE = "LL"
_NOTHING: tuple[bool, datetime | None] = (False, None)


class Timestamp:
    """A date and time, a date alone, or nothing.

    Every method returns the HTML of one ``<time>`` element, empty if there is no time. Its
    text is English and in UTC; where JavaScript runs, it is in the reader's zone and language.

    Args:
        value: A datetime (taken as UTC if it names no zone), a date, either of them in ISO
            8601, or None.
        default_format: Used by ``format`` when it is given none.
        local: Whether it is the time on a clock on the wall, the same for every reader, such as
            the opening hour of a shop. A zone that it names is ignored.
    """

    def __init__(
        self, value: When | None, default_format: str = _FULL, *, local: bool = False
    ) -> None:
        self.local = local
        self._date_only, self._at = self._parse(value) if value is not None else _NOTHING
        self._default_format = default_format

    def format(self, fmt: str | None = None, refresh: bool | float = False) -> Markup:
        """The time as moment.js's tokens say: ``LLL``, ``dddd, D MMMM``, ``YYYY-MM-DD HH:mm``."""
        pattern = fmt or (_FULL_DATE if self._date_only else self._default_format)
        return self._element("format", self._write(pattern), refresh, format=pattern)

    def fromNow(self, no_suffix: bool = False, refresh: bool | float = False) -> Markup:
        """How long ago, or in how long; ``refresh`` in minutes, True for one.

        Without JavaScript the time itself: words would be wrong by the time they are read.
        """
        return self._element("from", self._write(), refresh, plain=no_suffix)

    def toNow(self, no_suffix: bool = False, refresh: bool | float = False) -> Markup:
        """The opposite of ``fromNow``: how far now is from the time."""
        return self._element("to", self._write(), refresh, plain=no_suffix)

    def fromTime(self, timestamp: When, no_suffix: bool = False, refresh: bool = False) -> Markup:
        """How long before or after ``timestamp``."""
        return self._between("from", timestamp, no_suffix)

    def toTime(self, timestamp: When, no_suffix: bool = False, refresh: bool = False) -> Markup:
        """How far ``timestamp`` is from the time."""
        return self._between("to", timestamp, no_suffix)

    def calendar(self, refresh: bool | float = False) -> Markup:
        """Today, yesterday or a weekday with the clock; further away the date."""
        return self._element("calendar", self._write(), refresh)

    def valueOf(self, refresh: bool = False) -> Markup:
        """Milliseconds since 1970."""
        return self._number(lambda at: int(at.timestamp() * 1000))

    def unix(self, refresh: bool = False) -> Markup:
        """Seconds since 1970."""
        return self._number(lambda at: int(at.timestamp()))

    def diff(self, timestamp: When, units: str = "milliseconds", refresh: bool = False) -> Markup:
        """Whole ``units`` from ``timestamp`` to the time: milliseconds ... years.

        Raises:
            MomentArgumentError: If there is no such unit.
        """
        _, then = self._parse(timestamp)
        return self._number(lambda at: distance.difference(at, then, units))

    def __html__(self) -> Markup:
        return self.format()

    def __str__(self) -> str:
        return str(self.format())

    def _write(self, pattern: str | None = None) -> str:
        if self._at is None:
            return ""
        default = _FULL_DATE if self._date_only else _FULL
        return tokens.write(
            pattern or default, self._at, has_clock=not self._date_only, zone=not self.local
        )

    def _between(self, kind: str, other: When, plain: bool) -> Markup:
        if self._at is None:
            return Markup("")
        date_only, then = self._parse(other)
        apart = self._at - then if kind == "from" else then - self._at
        text = distance.in_words(apart, plain=plain)
        return self._element(kind, text, plain=plain, other=self._iso(then, date_only))

    def _number(self, measure: Callable[[datetime], int]) -> Markup:
        if self._at is None:
            return Markup("")
        value = self._iso(self._at, self._date_only)
        return Markup('<time datetime="{}">{}</time>').format(value, measure(self._at))

    def _element(
        self, kind: str, text: str, refresh: bool | float = False, **data: str | bool
    ) -> Markup:
        if self._at is None:
            return Markup("")
        attributes = {"datetime": self._iso(self._at, self._date_only), "data-moment": kind}
        attributes |= {
            f"data-moment-{name}": "" if value is True else str(value)
            for name, value in data.items()
            if value is not False
        }
        if refresh:
            minutes = _REFRESH_MINUTES if refresh is True else refresh
            attributes["data-moment-refresh"] = str(round(minutes * 60_000))
        written = "".join([f' {name}="{escape(attributes[name])}"' for name in attributes])
        # Pages have dozens of times; Markup.format takes several times as long.
        return Markup(f"<time{written}>{escape(text)}</time>")  # noqa: S704  # escaped above

    def _parse(self, value: When) -> tuple[bool, datetime]:
        """Whether it is a date alone, and the time in UTC, or on the wall as if it was in UTC."""
        if isinstance(value, str):
            value = _parse_text(value)
        if isinstance(value, datetime):
            return False, value.replace(tzinfo=UTC) if self.local else tokens.as_utc(value)
        if isinstance(value, date):
            return True, datetime(value.year, value.month, value.day, tzinfo=UTC)
        raise MomentArgumentError(
            value, "is not a time", "Give a datetime, a date or ISO 8601 text."
        )

    def _iso(self, at: datetime, date_only: bool) -> str:
        if date_only:
            return at.date().isoformat()
        precision = "milliseconds" if at.microsecond else "seconds"
        # A browser reads a time without a zone as one of its own zone, and shows it unchanged.
        return at.replace(tzinfo=None).isoformat(timespec=precision) + "Z" * (not self.local)


def _parse_text(text: str) -> datetime | date:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise MomentArgumentError(
            text, "is not a time in ISO 8601", "Write it like '2026-11-21T09:00:00Z'."
        ) from None
