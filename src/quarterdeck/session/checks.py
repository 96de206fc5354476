"""Rules for browser sessions, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from quarterdeck._findings import Problem, Severity, Target, rule

MAX_IDLE = timedelta(days=90)
MAX_AGE = timedelta(days=366)
_WITH_ENGINE = " with 'SESSION_SQLALCHEMY = lambda: db.engine'"


@rule("QD101", Severity.WARNING, "Sessions in a cookie cannot be ended by an administrator.")
def in_cookie(target: Target) -> Iterator[Problem]:
    if target.get("SESSION_TYPE") in (None, "null"):
        problem = "is 'null': a session in a cookie cannot be ended by an administrator"
        with_engine = "" if target.get("SESSION_SQLALCHEMY") else _WITH_ENGINE
        remedy = f"Set it to 'redis', or to 'sqlalchemy'{with_engine}."
        yield Problem("SESSION_TYPE", problem, remedy)


@rule("QD102", Severity.WARNING, "An unused session works for more than 90 days.")
def idle_time(target: Target) -> Iterator[Problem]:
    idle = target.get("SESSION_IDLE_SECONDS") or target.get("PERMANENT_SESSION_LIFETIME")
    if _as_delta(idle) > MAX_IDLE:
        problem = f"is long: a stolen session works for more than {MAX_IDLE.days} days without use"
        yield Problem("SESSION_IDLE_SECONDS", problem, "Set it to 31 days or less.")


@rule("QD103", Severity.WARNING, "A session that is used never ends, or lives over a year.")
def greatest_age(target: Target) -> Iterator[Problem]:
    oldest = target.get("SESSION_ABSOLUTE_SECONDS")
    if oldest is None or _as_delta(oldest) > MAX_AGE:
        problem = "is unlimited or over a year: a session that is used never ends"
        yield Problem("SESSION_ABSOLUTE_SECONDS", problem, "Set it to 7776000, which is 90 days.")


def _as_delta(value: Any) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=float(value))


RULES = (in_cookie, idle_time, greatest_age)
