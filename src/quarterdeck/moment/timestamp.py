"""One time on a page: an element that is readable as it is and that the script translates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from markupsafe import Markup

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
    """

    def __init__(self, value: When | None, default_format: str = _FULL) -> None:
        self._date_only, self._at = _parse(value) if value is not None else _NOTHING
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

    def fromTime(self, other: When, no_suffix: bool = False, refresh: bool = False) -> Markup:
        """How long before or after ``other``."""
        return self._between("from", other, no_suffix)

    def toTime(self, other: When, no_suffix: bool = False, refresh: bool = False) -> Markup:
        """How far ``other`` is from the time."""
        return self._between("to", other, no_suffix)

    def calendar(self, refresh: bool | float = False) -> Markup:
        """Today, yesterday or a weekday with the clock; further away the date."""
        return self._element("calendar", self._write(), refresh)

    def valueOf(self, refresh: bool = False) -> Markup:
        """Milliseconds since 1970."""
        return self._number(lambda at: int(at.timestamp() * 1000))

    def unix(self, refresh: bool = False) -> Markup:
        """Seconds since 1970."""
        return self._number(lambda at: int(at.timestamp()))

    def diff(self, other: When, units: str = "milliseconds", refresh: bool = False) -> Markup:
        """Whole ``units`` from ``other`` to the time: milliseconds ... years.

        Raises:
            MomentArgumentError: If there is no such unit.
        """
        _, then = _parse(other)
        return self._number(lambda at: distance.difference(at, then, units))

    def __html__(self) -> Markup:
        return self.format()

    def __str__(self) -> str:
        return str(self.format())

    def _write(self, pattern: str | None = None) -> str:
        if self._at is None:
            return ""
        default = _FULL_DATE if self._date_only else _FULL
        return tokens.write(pattern or default, self._at, has_clock=not self._date_only)

    def _between(self, kind: str, other: When, plain: bool) -> Markup:
        if self._at is None:
            return Markup("")
        date_only, then = _parse(other)
        apart = self._at - then if kind == "from" else then - self._at
        text = distance.in_words(apart, plain=plain)
        return self._element(kind, text, plain=plain, other=_iso(then, date_only))

    def _number(self, measure: Callable[[datetime], int]) -> Markup:
        if self._at is None:
            return Markup("")
        value = _iso(self._at, self._date_only)
        return Markup('<time datetime="{}">{}</time>').format(value, measure(self._at))

    def _element(
        self, kind: str, text: str, refresh: bool | float = False, **data: str | bool
    ) -> Markup:
        if self._at is None:
            return Markup("")
        attributes = {"datetime": _iso(self._at, self._date_only), "data-moment": kind}
        attributes |= {
            f"data-moment-{name}": "" if value is True else str(value)
            for name, value in data.items()
            if value is not False
        }
        if refresh:
            minutes = _REFRESH_MINUTES if refresh is True else refresh
            attributes["data-moment-refresh"] = str(round(minutes * 60_000))
        written = Markup("").join(
            Markup(' {}="{}"').format(name, value) for name, value in attributes.items()
        )
        return Markup("<time{}>{}</time>").format(written, text)


def _parse(value: When) -> tuple[bool, datetime]:
    """Whether it is a date alone, and the time in UTC."""
    if isinstance(value, str):
        value = _parse_text(value)
    if isinstance(value, datetime):
        return False, tokens.as_utc(value)
    if isinstance(value, date):
        return True, datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise MomentArgumentError(value, "is not a time", "Give a datetime, a date or ISO 8601 text.")


def _parse_text(text: str) -> datetime | date:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise MomentArgumentError(
            text, "is not a time in ISO 8601", "Write it like '2026-11-21T09:00:00Z'."
        ) from None


def _iso(at: datetime, date_only: bool) -> str:
    if date_only:
        return at.date().isoformat()
    precision = "milliseconds" if at.microsecond else "seconds"
    return at.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
