"""The ``routes`` command: the URL rules of an app."""

from __future__ import annotations

from itertools import takewhile
from operator import itemgetter

import click
from quart import Quart, current_app
from werkzeug.routing import Rule

from quarterdeck._cli import async_command
from quarterdeck._marks import ACCESS, is_static
from quarterdeck._quart import unwrap
from quarterdeck._state import states_of

from .table import Row, text_table

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
    """Show every route: rule, methods, endpoint and access condition."""
    rows = route_table(unwrap(current_app), all_methods=all_methods)
    if sort != "match":
        rows.sort(key=itemgetter(sort, "rule", "methods"))
    if not any(row["access"] for row in rows):
        click.echo(text_table(rows, COLUMNS[:-1]))
    else:
        click.echo(text_table(rows, COLUMNS))


def route_table(app: Quart, *, all_methods: bool = False) -> list[Row]:
    """Return one row per rule, in the order in which they are matched."""
    app.url_map.update()
    closed = any(getattr(state, "required_by_default", False) for state in states_of(app))
    return [
        {
            "rule": _rule_text(rule),
            "methods": _methods(rule, all_methods),
            "endpoint": str(rule.endpoint),
            "access": _access(app, str(rule.endpoint), closed),
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


def _access(app: Quart, endpoint: str, closed: bool) -> str:
    """Return the access that the view and its blueprints declare.

    Without a declaration it is empty, or that of an app which is closed by default.
    """
    if is_static(app.view_functions.get(endpoint)):
        return "public" if closed else ""
    marks = ACCESS.around(app, endpoint)
    if not marks:
        return "signed in" if closed else ""
    if marks[0].public:
        return "public"
    restrictions = list(takewhile(lambda mark: not mark.public, marks))
    conditions = [str(each) for mark in restrictions for each in (*mark.roles, *mark.permissions)]
    return ", ".join(dict.fromkeys(conditions)) or "signed in"
