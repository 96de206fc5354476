"""Rules for logs, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator

from quarterdeck._findings import Problem, Severity, Target, rule


@rule("QD701", Severity.WARNING, "Clients choose the id of their requests in the log.")
def trusts_ids(target: Target) -> Iterator[Problem]:
    if target.get("LOG_TRUST_REQUEST_ID"):
        problem = "is on: without a proxy that sets the header, clients choose ids in your log"
        yield Problem("LOG_TRUST_REQUEST_ID", problem, "Set TRUSTED_PROXIES instead.")


@rule("QD702", Severity.WARNING, "The log is at DEBUG: libraries write the data that they handle.")
def debug_records(target: Target) -> Iterator[Problem]:
    levels = target.get("LOG_LEVELS") or {}
    loud = [name for name, level in levels.items() if str(level).upper() == "DEBUG"]
    if target.get("LOG_LEVEL") == "DEBUG":
        problem = "is 'DEBUG': libraries log the data that they handle"
        yield Problem("LOG_LEVEL", problem, "Set it to 'INFO'.")
    elif loud:
        problem = f"sets {loud[0]!r} to DEBUG: it logs the data that it handles"
        yield Problem("LOG_LEVELS", problem, "Remove it.")


RULES = (trusts_ids, debug_records)
