"""Write the tables of ``docs/checks.md``: ``python -m tests.policies.checks``.

The prose is edited by hand. The tables between ``<!-- rules: ROOM -->`` and ``<!-- end -->`` are
generated from the rules of the rooms and of the CRM.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable
from pathlib import Path

import quarterdeck
import quarterdeck_crm.cli.rules
from quarterdeck.checks import Rule

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
REGION = re.compile(r"(<!-- rules: (\w+) -->\n).*?(<!-- end -->)", re.S)


def tables() -> dict[str, list[Rule]]:
    """Return the rules of each room and of the CRM."""
    found: dict[str, list[Rule]] = {"crm": list(quarterdeck_crm.cli.rules.RULES)}
    for info in pkgutil.walk_packages(quarterdeck.__path__, "quarterdeck."):
        if info.name.endswith((".checks", ".of_apps")) and info.name.count(".") > 1:
            module = importlib.import_module(info.name)
            found.setdefault(info.name.split(".")[1], []).extend(module.RULES)
    return found


def table(rules: Iterable[Rule]) -> str:
    lines = ["| Id | Severity | Finding | Only with `--deploy` |", "|---|---|---|---|"]
    for rule in sorted(rules, key=lambda each: each.id):
        deploy = "yes" if rule.deploy else "no"
        lines.append(f"| `{rule.id}` | {rule.severity} | {rule.title} | {deploy} |")
    return "\n".join(lines) + "\n"


def render(page: str) -> str:
    """Return the page with its tables as they should be."""
    found = tables()
    return REGION.sub(lambda region: f"{region[1]}{table(found[region[2]])}{region[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text("utf-8")), "utf-8")
