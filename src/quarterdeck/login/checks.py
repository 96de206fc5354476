"""Rules for sign-in, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from quarterdeck._findings import Problem, Severity, Target, rule
from quarterdeck.config import boolean

# The least that OWASP's Password Storage Cheat Sheet (2025) accepts of Argon2id.
MIN_MEMORY, MIN_PASSES = 19_456, 2
MAX_REMEMBERED = timedelta(days=366)


@rule("QD201", Severity.ERROR, "`LOGIN_DISABLED` is on: every page is open to everyone.")
def disabled(target: Target) -> Iterator[Problem]:
    if boolean(target.get("LOGIN_DISABLED", False)):
        yield Problem("LOGIN_DISABLED", "is on: every page is open to everyone", "Remove it.")


def _cheap(key: str, least: int) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if target.get(key, least) < least:
            problem = "is too low: stolen password hashes are cheap to try"
            yield Problem(key, problem, "Remove it.")

    return find


passes = rule("QD202", Severity.ERROR, "`LOGIN_HASH_TIME_COST` is below the advice of OWASP.")(
    _cheap("LOGIN_HASH_TIME_COST", MIN_PASSES)
)
memory = rule("QD203", Severity.ERROR, "`LOGIN_HASH_MEMORY_COST` is below the advice of OWASP.")(
    _cheap("LOGIN_HASH_MEMORY_COST", MIN_MEMORY)
)


def _uses_cookie(target: Target) -> bool:
    return bool(target.get("LOGIN_REMEMBER_BY") == "cookie")


@rule("QD204", Severity.WARNING, "A remembered sign-in cannot be ended by an administrator.")
def by_cookie(target: Target) -> Iterator[Problem]:
    if _uses_cookie(target):
        problem = "is 'cookie': a remembered sign-in cannot be ended by an administrator"
        yield Problem("LOGIN_REMEMBER_BY", problem, "Set it to 'session'.")


@rule("QD205", Severity.ERROR, "The remember cookie is sent over plain http.")
def remember_secure(target: Target) -> Iterator[Problem]:
    secure = target.get("REMEMBER_COOKIE_SECURE")
    if secure is None:  # then it is as the session
        secure = target.get("SESSION_COOKIE_SECURE")
    if _uses_cookie(target) and not secure:
        problem = "is off: the remember cookie is sent over plain http"
        yield Problem("REMEMBER_COOKIE_SECURE", problem, "Set it to True.")


@rule("QD206", Severity.ERROR, "Scripts can read the remember cookie.")
def remember_http_only(target: Target) -> Iterator[Problem]:
    if _uses_cookie(target) and not target.get("REMEMBER_COOKIE_HTTPONLY", True):
        problem = "is off: scripts can read the remember cookie"
        yield Problem("REMEMBER_COOKIE_HTTPONLY", problem, "Remove it.")


@rule("QD207", Severity.WARNING, "A remembered sign-in works for more than a year.")
def remember_duration(target: Target) -> Iterator[Problem]:
    value = target.get("REMEMBER_COOKIE_DURATION", 0)
    duration = value if isinstance(value, timedelta) else timedelta(seconds=float(value))
    if _uses_cookie(target) and duration > MAX_REMEMBERED:
        problem = "is over a year: a stolen cookie signs in for as long"
        yield Problem("REMEMBER_COOKIE_DURATION", problem, "Set it to 90 days.")


@rule("QD208", Severity.ERROR, "A sign-in page is no endpoint of the app.", deploy=False)
def login_views(target: Target) -> Iterator[Problem]:
    manager: Any = target.app.extensions["login"].manager
    views = {
        "LOGIN_VIEW": manager.login_view or target.get("LOGIN_VIEW"),
        "refresh_view": manager.refresh_view,
        **{
            f"blueprint_login_views['{name}']": v
            for name, v in manager.blueprint_login_views.items()
        },
    }
    known = target.app.view_functions
    for setting, view in views.items():
        if view and not view.startswith(("/", "https://", "http://")) and view not in known:
            problem = f"is '{view}', which is no endpoint of the app"
            similar = get_close_matches(view, known, 1)
            remedy = f"Did you mean '{similar[0]}'?" if similar else "'routes' lists the endpoints."
            yield Problem(setting, problem, remedy)


RULES = (
    disabled,
    passes,
    memory,
    by_cookie,
    remember_secure,
    remember_http_only,
    remember_duration,
    login_views,
)
