"""moment.js's format tokens in plain English and UTC, for readers without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

_TOKEN = re.compile(
    r"\[([^\]]*)\]|LTS|LT|L{1,4}|l{1,4}|YYYY|YY|Mo|M{1,4}|DDDo|Do|D{1,4}|do|d{1,4}"
    r"|Qo|Q|WW|Wo|W|GGGG|GG|E|A|a|HH|H|hh|h|kk|k|mm|m|ss|s|SSS|SS|S|ZZ|Z|X|x"
)
_LOCAL = {  # neutral between readers; the browser puts its own in place
    "LT": "HH:mm",
    "LTS": "HH:mm:ss",
    "L": "YYYY-MM-DD",
    "l": "YYYY-MM-DD",
    "LL": "D MMMM YYYY",
    "ll": "D MMM YYYY",
    "LLL": "D MMMM YYYY HH:mm",
    "lll": "D MMM YYYY HH:mm",
    "LLLL": "dddd D MMMM YYYY HH:mm",
    "llll": "ddd D MMM YYYY HH:mm",
}
_MONTHS = [
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
]
_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_CLOCK = tuple("AaHhkmsS")
_ZONED = tuple("ZXx")

_FIELDS: dict[str, Callable[[datetime], object]] = {
    "YYYY": lambda t: f"{t.year:04}",
    "YY": lambda t: f"{t.year % 100:02}",
    "Q": lambda t: (t.month + 2) // 3,
    "M": lambda t: t.month,
    "MM": lambda t: f"{t.month:02}",
    "MMM": lambda t: _MONTHS[t.month - 1][:3],
    "MMMM": lambda t: _MONTHS[t.month - 1],
    "D": lambda t: t.day,
    "DD": lambda t: f"{t.day:02}",
    "DDD": lambda t: t.timetuple().tm_yday,
    "DDDD": lambda t: f"{t.timetuple().tm_yday:03}",
    "d": lambda t: t.isoweekday() % 7,
    "dd": lambda t: _DAYS[t.isoweekday() % 7][:2],
    "ddd": lambda t: _DAYS[t.isoweekday() % 7][:3],
    "dddd": lambda t: _DAYS[t.isoweekday() % 7],
    "E": lambda t: t.isoweekday(),
    "W": lambda t: t.isocalendar().week,
    "WW": lambda t: f"{t.isocalendar().week:02}",
    "GG": lambda t: f"{t.isocalendar().year % 100:02}",
    "GGGG": lambda t: f"{t.isocalendar().year:04}",
    "A": lambda t: "AM" if t.hour < 12 else "PM",
    "a": lambda t: "am" if t.hour < 12 else "pm",
    "H": lambda t: t.hour,
    "HH": lambda t: f"{t.hour:02}",
    "h": lambda t: (t.hour + 11) % 12 + 1,
    "hh": lambda t: f"{(t.hour + 11) % 12 + 1:02}",
    "k": lambda t: (t.hour + 23) % 24 + 1,
    "kk": lambda t: f"{(t.hour + 23) % 24 + 1:02}",
    "m": lambda t: t.minute,
    "mm": lambda t: f"{t.minute:02}",
    "s": lambda t: t.second,
    "ss": lambda t: f"{t.second:02}",
    "S": lambda t: t.microsecond // 100_000,
    "SS": lambda t: f"{t.microsecond // 10_000:02}",
    "SSS": lambda t: f"{t.microsecond // 1000:03}",
    "Z": lambda t: "+00:00",
    "ZZ": lambda t: "+0000",
    "X": lambda t: int(t.timestamp()),
    "x": lambda t: int(t.timestamp() * 1000),
}


def write(pattern: str, moment: datetime, *, has_clock: bool = True, zone: bool = True) -> str:
    """Return the time as ``pattern`` says; names the zone if it shows a clock without one.

    Args:
        pattern: Tokens of moment.js; ``[text]`` is kept as it is.
        moment: A time in UTC.
        has_clock: False for a bare date, without a time of day.
        zone: False for a time that is not in UTC but on the wall.
    """
    pattern = _TOKEN.sub(lambda match: _expand(match.group(), has_clock), pattern)
    used = {match.group() for match in _TOKEN.finditer(pattern)}
    text = _TOKEN.sub(lambda match: _write_token(match, moment), pattern)
    shows_clock = any(token.startswith(_CLOCK) for token in used)
    if zone and has_clock and shows_clock and not any(token.startswith(_ZONED) for token in used):
        text += " UTC"
    return text


def _expand(token: str, has_clock: bool) -> str:
    """The formats of ``LT`` to ``LLLL``; for a bare date without the time of day."""
    pattern = _LOCAL.get(token, token)
    return pattern if has_clock else pattern.removesuffix(" HH:mm")


def _write_token(match: re.Match[str], moment: datetime) -> str:
    token, quoted = match.group(), match.group(1)
    if quoted is not None:
        return quoted
    if token in _FIELDS:
        return str(_FIELDS[token](moment))
    return _ordinal(int(str(_FIELDS[token.removesuffix("o")](moment))))


def _ordinal(number: int) -> str:
    teen = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def as_utc(moment: datetime) -> datetime:
    """The same time in UTC; one without a zone is taken to be in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
