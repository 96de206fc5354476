"""Collect the rules of an app, and run them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from importlib import import_module
from typing import TYPE_CHECKING

from quarterdeck._findings import Finding, Problem, Rule, Target
from quarterdeck._quart_keys import wrong_values
from quarterdeck._state import states_of

from . import of_apps
from .config import STATE, ChecksState

if TYPE_CHECKING:
    from quart import Quart

# The server holds no state in an app: its rules come by name. Rooms do not import each other.
_SERVER = "quarterdeck.serving.checks"


def rules_of(app: Quart) -> list[Rule]:
    """Return the rules for an app: general, server, rooms, its own."""
    found = [*of_apps.RULES, *import_module(_SERVER).RULES]
    for state in states_of(app):
        found += getattr(state, "rules", ())
    return list({each.id: each for each in found}.values())


async def run_rules(
    target: Target, *, deploy: bool = False, without: Collection[str] = ()
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings, the worst first, and those that ``CHECKS_SILENCED`` names.

    Call it inside an app context: some rules ask the database.

    Args:
        target: The installation.
        deploy: Whether rules that matter on a network only run as well.
        without: Ids of rules that do not run.
    """
    state = _state_of(target.app)
    findings = [
        Finding(each.id, each.severity, _written(state, found.setting), found.problem, found.remedy)
        for each in rules_of(target.app)
        if (deploy or not each.deploy) and each.id not in without
        async for found in _problems(each, target)
    ]
    findings.sort(key=lambda finding: (-finding.severity, finding.id))
    silenced = [each for each in findings if state is not None and each.id in state.silenced]
    return [each for each in findings if each not in silenced], silenced


async def _problems(each: Rule, target: Target) -> AsyncIterator[Problem]:
    try:
        found = each.find(target)
        if isinstance(found, AsyncIterator):
            async for problem in found:
                yield problem
        else:
            for problem in found:
                yield problem
    except (TypeError, ValueError):  # it reads a value that another rule names
        if not any(wrong_values(target.app.config)):
            raise


def _state_of(app: Quart) -> ChecksState | None:
    return STATE.get(app) if STATE.key in app.extensions else None


def _written(state: ChecksState | None, setting: str | None) -> str | None:
    return setting if state is None or setting is None else state.written_as(setting)
