"""Compare the public names of the Flask extensions with ours.

``upstream/`` holds the names of the newest extensions, as ``make parity`` listed them.
``names/`` holds a line for each: ``same``, ``renamed: NEW NAME``, ``changed: REASON`` or
``left out: REASON``. A key may be a pattern, such as ``"Defaults.*"``.

``python -m tests.parity.table`` installs the newest extensions into ``.venv-parity``, lists their
names again, rewrites the tables of ``docs/from-flask.md`` and prints totals. It ends with an error
if a name has no line.
"""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import click

from . import upstream_tests
from .inventory import PACKAGES, commands_of, parameters, set_by_methods

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "from-flask.md"
BEGIN = "## Every public name"
VENV = ROOT / ".venv-parity"
KINDS = ("same", "renamed", "changed", "left out")
EXTRA = ("redis", "pymongo", "pymemcache", "cachelib", "msgspec")  # stores of Flask-Session

Names = dict[str, "list[str] | None"]


@dataclass(frozen=True)
class Line:
    """The decision on a name.

    Attributes:
        kind: One of ``KINDS``.
        text: The new name or the reason.
    """

    kind: str
    text: str

    @classmethod
    def parse(cls, value: str) -> Line:
        """Read ``kind`` or ``kind: text``."""
        kind, _, text = value.partition(":")
        return cls(kind.strip(), text.strip())


@dataclass(frozen=True)
class Table:
    """The decisions on the names of one distribution.

    Attributes:
        distribution: For example ``Flask-Login``.
        version: The version whose names these are.
        rooms: Our modules that stand in for it, in the order in which a name is looked up.
        upstream: Its names, each with its parameters.
        lines: By name or pattern.
        classes: Our name for a class that has another one here.
    """

    distribution: str
    version: str
    rooms: tuple[str, ...]
    upstream: Names
    lines: dict[str, Line]
    classes: dict[str, str]

    def line(self, name: str) -> Line | None:
        """Return the decision on a name: its own line, else that of the first pattern."""
        if name in self.lines:
            return self.lines[name]
        return next((line for key, line in self.lines.items() if fnmatchcase(name, key)), None)

    def unlisted(self) -> list[str]:
        """Return the names without a decision."""
        return [name for name in self.upstream if self.line(name) is None]

    def outdated(self) -> list[str]:
        """Return the lines that match no name."""
        return [key for key in self.lines if not any(fnmatchcase(n, key) for n in self.upstream)]

    def wrong(self) -> Iterator[str]:
        """Say which lines are not true."""
        for name, given in self.upstream.items():
            line = self.line(name)
            if line is None:
                continue
            if line.kind not in KINDS or (line.kind != "same") != bool(line.text):
                yield f"{name}: '{line.kind}: {line.text}' is no decision"
            elif line.kind == "same":
                problem = self.difference(name, given)
                if problem:
                    yield f"{name}: {problem}"
            elif line.kind == "renamed" and not self._exists(line.text):
                yield f"{name}: there is no '{line.text}'"

    def difference(self, name: str, given: list[str] | None) -> str | None:
        """Return how ours differs from a name upstream, None if it does not."""
        found, ours = self._ours(name)
        if not found:
            return "absent"
        if given is None or ours is None:
            return None
        if any(item.startswith("**") for item in ours) or len(given) == len(ours) == 1:
            return None  # a decorator is called by position, whatever its parameter is named
        missing = [item for item in given if item not in ours and not item.startswith("*")]
        return f"without {', '.join(missing)}" if missing else None

    def _ours(self, name: str) -> tuple[bool, list[str] | None]:
        kind, _, rest = name.partition(" ")
        if kind == "config":
            return rest in config_keys(), None
        if kind == "template":
            return rest in template_names(), None
        if kind == "macro":
            return macro_exists(*rest.split()), None
        if kind == "command":
            options = our_commands().get(rest)
            return options is not None, options
        path = name.split(".")
        path = [self.classes.get(part, part) for part in path]
        for room in self.rooms:
            # The name where it is upstream, then without its module.
            for start in range(len(path)):
                found, value = lookup(room, path[start:])
                if found:
                    return True, parameters(value)
        return False, None

    def _exists(self, text: str) -> bool:
        """Whether the first word of a text names something of ours: a dotted path or a key."""
        word = text.split()[0].strip("`,.").partition("(")[0]
        if word.isupper():
            return word in config_keys()
        if word.startswith("db") and text.startswith("db "):
            return text.split()[1].strip("`") in our_commands()
        path = word.split(".")
        return any(lookup(room, path)[0] for room in (*self.rooms, "quarterdeck", "quart"))


def lookup(room: str, path: list[str]) -> tuple[bool, Any]:
    """Look a dotted name up in a module of ours; also attributes that ``__init__`` sets."""
    value: Any = importlib.import_module(room)
    for part in path:
        if inspect.isclass(value) and not hasattr(value, part):
            known = any(
                part in set_by_methods(base) or part in getattr(base, "__annotations__", {})
                for base in value.__mro__
            )
            return known, None
        if inspect.ismodule(value) and not hasattr(value, part):
            try:
                value = importlib.import_module(f"{value.__name__}.{part}")
            except ImportError:
                return False, None
            continue
        try:
            value = inspect.getattr_static(value, part)
        except AttributeError:
            if not hasattr(value, part):
                return False, None
            value = getattr(value, part)
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
    return True, value


@cache
def config_keys() -> frozenset[str]:
    """Return all keys of the kit's tables and of Quart."""
    from quart import Quart

    from tests.policies import configuration

    ours = {key for table in configuration.tables().values() for key in table}
    return frozenset(ours | set(Quart.default_config))


@cache
def template_names() -> frozenset[str]:
    """Return the names that templates get from all rooms together."""
    from quart import Quart

    from quarterdeck.babel import Babel
    from quarterdeck.bootstrap import Bootstrap
    from quarterdeck.login import LoginManager
    from quarterdeck.moment import Moment
    from quarterdeck.wtf import CSRFProtect

    app = Quart("tests")
    app.secret_key = "x" * 40
    for extension in (Babel, Bootstrap, LoginManager, Moment, CSRFProtect):
        extension(app)
    names = set(app.jinja_env.globals) | set(app.jinja_env.filters)
    for processor in app.template_context_processors[None]:
        names |= set(inspect.getclosurevars(processor).nonlocals) | _keys(processor)
    return frozenset(names)


def macro_exists(template: str, name: str) -> bool:
    """Whether a template has a macro in an app with our Bootstrap."""
    from quart import Quart

    from quarterdeck.bootstrap import Bootstrap

    app = Quart("tests")
    Bootstrap(app)
    assert app.jinja_env.loader is not None
    source, _, _ = app.jinja_env.loader.get_source(app.jinja_env, template)
    return f"macro {name}(" in source


def _keys(processor: Any) -> set[str]:
    return {item for item in processor.__code__.co_consts if isinstance(item, str)}


@cache
def our_commands() -> Names:
    """Return the options of ``db`` and of ``quart``, by command."""
    from quart.cli import cli

    from quarterdeck.migrate import commands

    found: Names = {}
    for group in (cli, commands):
        assert isinstance(group, click.Group)
        found |= {name.removeprefix("command "): opts for name, opts in commands_of(group)}
    return found


@cache
def tables() -> tuple[Table, ...]:
    """Read all files of ``names/``, with the names in ``upstream/``."""
    found = []
    for distribution in PACKAGES:
        file = f"{distribution.lower()}"
        listed = json.loads((HERE / "upstream" / f"{file}.json").read_text("utf-8"))
        decided = tomllib.loads((HERE / "names" / f"{file}.toml").read_text("utf-8"))
        found.append(
            Table(
                distribution,
                listed["version"],
                tuple(decided["rooms"]),
                listed["names"],
                {key: Line.parse(value) for key, value in decided["names"].items()},
                decided.get("classes", {}),
            )
        )
    return tuple(found)


def refresh() -> None:
    """Install the newest extensions into an environment of their own, and list their names."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    install = ["-m", "pip", "install", "--quiet", "--upgrade", *PACKAGES, *EXTRA]
    subprocess.run([str(python), *install], check=True)
    listing = subprocess.run(
        [str(python), str(HERE / "inventory.py")], check=True, capture_output=True, text=True
    ).stdout
    for distribution, content in json.loads(listing).items():
        file = HERE / "upstream" / f"{distribution.lower()}.json"
        file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def page_section() -> str:
    """Return the tables of the documentation: a row for each name that is not the same here."""
    text = f"{BEGIN}\n\nFrom the files in `tests/parity/names`, written by `make parity`. "
    text += "A name that is the same is counted and has no row.\n"
    for table in tables():
        count = totals(table)
        text += f"\n### {table.distribution} {table.version}\n\n"
        text += ", ".join(f"{count[kind]} {kind}" for kind in KINDS) + ".\n"
        rows = [(key, line) for key, line in table.lines.items() if line.kind != "same"]
        if rows:
            text += "\n| Name | Here |\n|---|---|\n"
            text += "".join(f"| `{key}` | {_cell(line)} |\n" for key, line in rows)
    return text


def _cell(line: Line) -> str:
    text = line.text.replace("|", "\\|")
    return f"`{text}`" if line.kind == "renamed" and " " not in text else f"{line.kind}: {text}"


def totals(table: Table) -> Counter[str]:
    """Count the names of a distribution by decision."""
    return Counter(line.kind if (line := table.line(name)) else "-" for name in table.upstream)


def page_with_tables(page: str) -> str:
    """Return the page with its last two sections written from the tables."""
    before, _, _ = page.partition(f"\n{upstream_tests.HEADING}\n")
    before, _, _ = before.partition(f"\n{BEGIN}\n")
    return f"{before.rstrip()}\n\n{upstream_tests.page_section()}\n{page_section()}"


def main() -> int:
    """Refresh the names, rewrite the page, print totals; 1 if something is not decided."""
    if "--offline" not in sys.argv:
        refresh()
        tables.cache_clear()
    PAGE.write_text(page_with_tables(PAGE.read_text("utf-8")), "utf-8")
    problems = 0
    for table in tables():
        count = totals(table)
        counts = "  ".join(f"{kind} {count[kind]:4}" for kind in KINDS)
        click.echo(
            f"{table.distribution:18} {table.version:8} {len(table.upstream):4} names  {counts}"
        )
        for problem in (
            *(f"{name}: unlisted" for name in table.unlisted()),
            *(f"{key}: matches no name" for key in table.outdated()),
            *table.wrong(),
        ):
            problems += 1
            click.echo(f"  {problem}")
    for suite in upstream_tests.suites():
        count = suite.totals()
        counts = "  ".join(f"{kind} {count[kind]:4}" for kind in upstream_tests.KINDS)
        click.echo(f"{suite.distribution:18} {suite.commit:8} {len(suite.tests):4} tests  {counts}")
        for problem in suite.problems():
            problems += 1
            click.echo(f"  {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
