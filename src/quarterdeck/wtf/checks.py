"""Rules for forms, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from quarterdeck._findings import Problem, Severity, Target, rule
from quarterdeck._weak_secrets import weakness_of


def _off(key: str, problem: str) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if not target.get(key, True):
            yield Problem(key, f"is off: {problem}", "Remove it.")

    return find


_FOREIGN = "other sites can post forms as your users"
enabled = rule("QD301", Severity.ERROR, f"`WTF_CSRF_ENABLED` is off: {_FOREIGN}.")(
    _off("WTF_CSRF_ENABLED", _FOREIGN)
)
check_default = rule("QD302", Severity.ERROR, f"`WTF_CSRF_CHECK_DEFAULT` is off: {_FOREIGN}.")(
    _off("WTF_CSRF_CHECK_DEFAULT", _FOREIGN)
)
origin = rule(
    "QD303", Severity.WARNING, "`WTF_CSRF_SSL_STRICT` is off: the origin of a post may be missing."
)(_off("WTF_CSRF_SSL_STRICT", "a post is taken without its origin"))


@rule("QD304", Severity.WARNING, "`WTF_CSRF_TRUSTED_ORIGINS` names a foreign host.")
def trusted_origins(target: Target) -> Iterator[Problem]:
    hosts = {str(host).lstrip(".").lower() for host in target.get("TRUSTED_HOSTS") or ()}
    for origin in target.get("WTF_CSRF_TRUSTED_ORIGINS") or ():
        host = urlsplit(origin if "://" in origin else f"//{origin}").hostname or str(origin)
        if host.lower() not in hosts:
            problem = f"names {origin!r}, which is none of TRUSTED_HOSTS and can post forms"
            yield Problem("WTF_CSRF_TRUSTED_ORIGINS", problem, "Remove it if it is foreign.")


@rule("QD305", Severity.ERROR, "`WTF_CSRF_SECRET_KEY` can be guessed.")
def secret_key(target: Target) -> Iterator[Problem]:
    key = target.get("WTF_CSRF_SECRET_KEY")
    if key and (problem := weakness_of(key)):
        yield Problem("WTF_CSRF_SECRET_KEY", problem, "Set a long random one, or remove it.")


RULES = (enabled, check_default, origin, trusted_origins, secret_key)
