"""Times of the day and time zones, as people and programs write them."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, time, tzinfo
from importlib import resources
from zoneinfo import ZoneInfo

from quarterdeck.babel import gettext as _

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

# Names that stand for a place or for UTC. Others, such as "EST", know no change of clocks.
ZONES = tuple(
    name
    for name in (resources.files("tzdata") / "zones").read_text("utf-8").split()
    if name == "UTC" or ("/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))
)
_KNOWN = frozenset(ZONES)
_loaded: dict[str, ZoneInfo] = {}


def fit_time(value: str) -> str:
    """Return a time of the day as ``HH:MM``."""
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError(_("Enter a time such as 09:30."))
    return f"{int(match[1]):02}:{match[2]}"


def fit_zone(value: str) -> str:
    """Return the text if it names a time zone."""
    if value not in _KNOWN:
        raise ValueError(_("Enter a time zone such as Europe/Berlin."))
    return value


async def load_zone(name: str) -> ZoneInfo:
    """Return a time zone, read from its file once, off the event loop."""
    if name not in _loaded:
        _loaded[name] = await asyncio.to_thread(ZoneInfo, fit_zone(name))
    return _loaded[name]


def instant(day: date, at: str | None, zone: tzinfo) -> datetime:
    """Return the instant of a day and a time in UTC.

    A time that the clocks skip counts as one hour later, and one that comes twice as the first.
    """
    hour, minute = (int(part) for part in (at or "00:00").split(":"))
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
