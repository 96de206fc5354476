"""What an import did in words, for the command line and for the pages."""

from __future__ import annotations

from .csvfile import Problems
from .importing import Report


def summary(kind: str, report: Report, *, dry_run: bool) -> str:
    """Say what an import did, or would do."""
    verb = "Would have imported" if dry_run else "Imported"
    lines = f", {report.lines} lines" if kind == "orders" else ""
    return (
        f"{verb} {kind}: {report.created} new{lines}, "
        f"{report.updated} changed, {report.unchanged} unchanged."
    )


def ignored(report: Report) -> str | None:
    """Name the columns that mean nothing here, if there are any."""
    if not report.unknown_columns:
        return None
    return f"Not imported: the columns {', '.join(report.unknown_columns)}."


def refusal(problems: Problems) -> str:
    """Say that there are mistakes, and what that means."""
    count = "1 mistake" if problems.count == 1 else f"{problems.count} mistakes"
    return f"{count}: nothing was imported. Mend the file and run it again."


def unlisted(problems: Problems) -> str | None:
    """Say how many mistakes are not shown, if there are any."""
    hidden = problems.count - len(problems.shown)
    return f"and {hidden} more" if hidden else None
