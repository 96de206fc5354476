"""The configuration keys of rate limits."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from limits import RateLimitItem, parse_many

from quarterdeck.config import ConfigKey, boolean, integer, mapping, seconds, text, type_name

EXAMPLES = "'5/minute' or '10 per hour; 50 per day', or '' for no limit"


@lru_cache(maxsize=1024)
def parse_rate(raw: str) -> tuple[RateLimitItem, ...]:
    """Return the limits of a text such as ``10/minute; 100 per day``; none for ``""``.

    Raises:
        ValueError: If the text is no rate.
    """
    try:
        items = tuple(parse_many(raw)) if raw.strip() else ()
    except ValueError:
        items = None
    if items is None or any(item.amount < 1 or item.get_expiry() < 1 for item in items):
        raise ValueError(f"'{raw}' is not a rate. Write for example {EXAMPLES}.")
    return items


@type_name("rate")
def rate(raw: Any) -> str:
    """A rate such as ``5/minute``, several with ``;`` between them, or ``""`` for no limit."""
    try:
        parse_rate(text(raw))
    except ValueError:
        raise ValueError(f"a rate such as {EXAMPLES}") from None
    return str(raw)


CONFIG = (
    ConfigKey(
        "RATELIMIT_ENABLED",
        True,
        boolean,
        "Whether limits and sign-in delays apply.",
    ),
    ConfigKey(
        "RATELIMIT_DEFAULT",
        "",
        rate,
        "The limit of each view that has none, and whose blueprints have none, by address.",
    ),
    ConfigKey(
        "RATELIMIT_APPLICATION",
        "",
        rate,
        "A limit for all views together, by address. It applies beside the others.",
    ),
    ConfigKey(
        "RATELIMIT_STORAGE_URI",
        "memory://",
        text,
        "Where requests are counted: `memory://` for one process, `redis://`, `rediss://` or "
        "`unix://` for several; `valkey://` is the same as `redis://`. The CRM uses `REDIS_URL` if "
        "it is set.",
    ),
    ConfigKey(
        "RATELIMIT_STORAGE_OPTIONS",
        {},
        mapping,
        "Arguments for the Redis client, such as `connection_pool`.",
    ),
    ConfigKey(
        "RATELIMIT_STORAGE_TIMEOUT_SECONDS",
        0.5,
        seconds,
        "How long to wait for Redis. Then it counts as unavailable for a second, in which no "
        "request waits for it.",
        unit="seconds",
    ),
    ConfigKey(
        "RATELIMIT_SWALLOW_ERRORS",
        True,
        boolean,
        "Whether requests are allowed while Redis is unavailable. Otherwise limited views "
        "answer 503.",
    ),
    ConfigKey(
        "RATELIMIT_STRATEGY",
        "fixed-window",
        text,
        "`fixed-window` counts from the first request of a window and stores one number. "
        "`moving-window` stores the time of each request and never allows more than the limit "
        "in any such period.",
        choices=("fixed-window", "moving-window"),
    ),
    ConfigKey(
        "RATELIMIT_HEADERS_ENABLED",
        True,
        boolean,
        "Whether answers carry `RateLimit` and `RateLimit-Policy`.",
    ),
    ConfigKey(
        "RATELIMIT_KEY_PREFIX",
        "ratelimit",
        text,
        "Prefix of the keys in Redis. Give each app its own if several share a server.",
    ),
    ConfigKey(
        "RATELIMIT_MEMORY_SIZE",
        100_000,
        integer(1),
        "The most entries that `memory://` holds, about 300 bytes each. Beyond it, the entries "
        "that would expire first are dropped.",
        unit="entries",
    ),
    ConfigKey(
        "SIGN_IN_FREE_ATTEMPTS",
        5,
        integer(1),
        "Failed sign-ins of one account from one address before the first delay.",
        unit="attempts",
    ),
    ConfigKey(
        "SIGN_IN_FIRST_DELAY_SECONDS",
        2,
        integer(1),
        "The first delay. Each further failed sign-in doubles it.",
        unit="seconds",
    ),
    ConfigKey(
        "SIGN_IN_MAX_DELAY_SECONDS",
        900,
        integer(1),
        "The longest delay.",
        unit="seconds",
    ),
    ConfigKey(
        "SIGN_IN_MEMORY_SECONDS",
        24 * 3600,
        integer(1),
        "After this time since the first failed sign-in, the delays begin again.",
        unit="seconds",
    ),
    ConfigKey(
        "SIGN_IN_DEVICE_COOKIE",
        "device",
        text,
        "Name of the cookie by which a device that signed in before is recognised.",
    ),
    ConfigKey(
        "SIGN_IN_DEVICE_SECONDS",
        365 * 24 * 3600,
        integer(1),
        "How long the device is recognised.",
        unit="seconds",
    ),
)
