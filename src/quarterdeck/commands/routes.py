"""The ``routes`` command: what the app answers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

import click
from quart import Quart, current_app
from werkzeug.routing import Rule

from quarterdeck._cli import async_command

Row = dict[str, str]

# Left on views by quarterdeck.login, which is a sibling and not imported here.
ACCESS_MARK = "__quarterdeck_access__"
COLUMNS = ("rule", "methods", "endpoint", "access")


@click.command()
@click.option(
    "--sort",
    "-s",
    type=click.Choice([*COLUMNS, "match"]),
    default="rule",
    show_default=True,
    help="The column to sort by, or the order in which rules are matched.",
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS as well.")
@async_command
def routes(sort: str, all_methods: bool) -> None:
    """Show every route: rule, methods, endpoint, and who may use it."""
    rows = route_table(current_app._get_current_object(), all_methods=all_methods)  # type: ignore[attr-defined]
    if sort != "match":
        rows.sort(key=itemgetter(sort, "rule", "methods"))
    if not any(row["access"] for row in rows):
        click.echo(_table(rows, COLUMNS[:-1]))
    else:
        click.echo(_table(rows, COLUMNS))


def route_table(app: Quart, *, all_methods: bool = False) -> list[Row]:
    """Return one row per rule, in the order in which they are matched."""
    app.url_map.update()
    return [
        {
            "rule": _rule_text(rule),
            "methods": _methods(rule, all_methods),
            "endpoint": str(rule.endpoint),
            "access": _access(app.view_functions.get(str(rule.endpoint))),
        }
        for rule in app.url_map.iter_rules()
    ]


def _rule_text(rule: Rule) -> str:
    host = rule.host or rule.subdomain
    return f"{host}|{rule.rule}" if host else rule.rule


def _methods(rule: Rule, all_methods: bool) -> str:
    if rule.websocket:
        return "WEBSOCKET"
    hidden = set() if all_methods else {"HEAD", "OPTIONS"}
    return ", ".join(sorted((rule.methods or set()) - hidden))


def _access(view: Callable[..., Any] | None) -> str:
    """What a view declares with ``login_required`` and its like; empty if nothing."""
    declared = getattr(view, ACCESS_MARK, None)
    if declared is None:
        declared = getattr(getattr(view, "view_class", None), ACCESS_MARK, None)
    if declared is None:
        return ""
    if declared.public:
        return "public"
    conditions = [*map(str, declared.roles), *map(str, declared.permissions)]
    return ", ".join(conditions) or "signed in"


def _table(rows: Iterable[Row], columns: tuple[str, ...]) -> str:
    lines = [dict(zip(columns, columns, strict=True)), *rows]
    widths = {name: max(len(line[name]) for line in lines) for name in columns}
    lines.insert(1, {name: "-" * width for name, width in widths.items()})
    return "\n".join(
        "  ".join(line[name].ljust(widths[name]) for name in columns).rstrip() for line in lines
    )
