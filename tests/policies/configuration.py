"""Write the tables of ``docs/configuration.md``: ``python -m tests.policies.configuration``.

The prose is edited by hand. The tables between ``<!-- keys: ROOM -->`` and ``<!-- end -->`` are
generated from the ``CONFIG`` tables of the rooms and of the CRM.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import quarterdeck
import quarterdeck_crm.config
from quarterdeck.config import ConfigKey

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
CRM = "crm"
REGION = re.compile(r"(<!-- keys: (\w+) -->\n).*?(<!-- end -->)", re.S)


def tables() -> dict[str, dict[str, ConfigKey]]:
    """Return the keys of each room and of the CRM, by name."""
    found: dict[str, dict[str, ConfigKey]] = {}
    for info in pkgutil.walk_packages(quarterdeck.__path__, "quarterdeck."):
        keys = getattr(importlib.import_module(info.name), "CONFIG", ())
        for key in keys:
            found.setdefault(info.name.split(".")[1], {})[key.name] = key
    found[CRM] = {key.name: key for key in quarterdeck_crm.config.CONFIG}
    return found


def cells(key: ConfigKey) -> Iterator[str]:
    yield f"`{key.name}`"
    yield f"{key.type}, in {key.unit}" if key.unit else key.type
    yield f"`{_default(key)}`"
    choices = ", ".join(f"`{choice}`" for choice in key.choices)
    yield f"{key.help} One of {choices}." if choices else key.help


def _default(key: ConfigKey) -> str:
    if key.name.endswith("_FILE_MODE"):
        return oct(key.default)
    if isinstance(key.default, str):
        return f'"{key.default}"'
    value: Any = list(key.default) if isinstance(key.default, tuple) else key.default
    return repr(value)


def table(room: str, keys: Iterable[ConfigKey]) -> str:
    """Return the Markdown table of one room; that of the CRM names the variables as well."""
    heads = ["Key", "Type", "Default", "Meaning"]
    rows = [list(cells(key)) for key in keys]
    if room == CRM:
        heads.insert(1, "Variable")
        for row in rows:
            row.insert(1, f"`CRM_{row[0].strip('`')}`")
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines).replace("| --- ", "|---")


def render(page: str) -> str:
    """Return the page with its tables as they should be."""
    found = tables()
    return REGION.sub(
        lambda region: f"{region[1]}{table(region[2], found[region[2]].values())}{region[3]}", page
    )


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text("utf-8")), "utf-8")
