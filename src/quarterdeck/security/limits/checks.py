"""Rules for rate limits, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator

from quarterdeck._findings import Problem, Severity, Target, rule


@rule(
    "QD911", Severity.ERROR, "`RATELIMIT_ENABLED` is off: passwords can be guessed at full speed."
)
def enabled(target: Target) -> Iterator[Problem]:
    if not target.get("RATELIMIT_ENABLED", True):
        problem = "is off: passwords can be guessed at full speed"
        yield Problem("RATELIMIT_ENABLED", problem, "Remove it.")


RULES = (enabled,)
