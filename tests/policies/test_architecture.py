"""Who may import whom, what is public, and what each room needs."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
KIT = SOURCE / "quarterdeck"

# Rooms are siblings. Who imports another one anyway, and why.
ALLOWED = {
    ("migrate", "sqlalchemy"): "migrations are made from its models and run on its engines",
    ("quarterdeck.__main__", "commands"): "'python -m quarterdeck' starts its program",
    **{
        ("bridge", room): "stands in for Flask and its extensions over the rooms of the kit"
        for room in (
            "app",
            "bootstrap",
            "login",
            "mail",
            "migrate",
            "moment",
            "session",
            "sqlalchemy",
            "wtf",
        )
    },
    ("app", "routing"): "the application object registers the converters",
    ("testing", "app"): "helpers for the rooms, imported when they are used",
    ("testing", "login"): "helpers for the rooms, imported when they are used",
    ("testing", "mail"): "helpers for the rooms, imported when they are used",
    ("testing", "serving"): "helpers for the rooms, imported when they are used",
    ("testing", "sqlalchemy"): "helpers for the rooms, imported when they are used",
}


def is_ground_floor(name: str) -> bool:
    return name.startswith("_") or name in {"config", "exceptions"}


ROOMS = sorted(m.name for m in pkgutil.iter_modules([str(KIT)]) if not is_ground_floor(m.name))


def modules(package: str) -> Iterator[str]:
    """The dotted names of all modules below ``src/<package>``, without importing them."""
    for path in sorted((SOURCE / package).rglob("*.py")):
        if all(
            (parent / "__init__.py").exists() for parent in path.parents if KIT in parent.parents
        ):
            parts = path.relative_to(SOURCE).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__")


def imports(module: str) -> set[str]:
    """Everything a module imports, at the top, in functions or for type checkers only."""
    path = SOURCE / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    package = module if path.is_dir() else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, node.module or ""]).strip(".") if node.level else node.module
            # 'from quarterdeck import login' names the room in its second half.
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def room_of(module: str) -> str | None:
    """The room a dotted name belongs to; None outside the kit's rooms."""
    top, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return room if top == "quarterdeck" and room in ROOMS else None


def test_the_walk_sees_what_it_should() -> None:
    """A test of the tests: they would pass on an empty list."""
    assert len(ROOMS) >= 10
    assert "quarterdeck.migrate.locks" in set(modules("quarterdeck"))
    assert "quarterdeck.sqlalchemy.engines.create_database" in imports("quarterdeck.migrate.locks")
    assert "quarterdeck.migrate.cli.commands" in imports("quarterdeck.migrate")


def test_the_kit_does_not_know_the_application() -> None:
    guilty = [
        f"{module} imports {name}"
        for module in modules("quarterdeck")
        for name in imports(module)
        if name.split(".")[0] == "quarterdeck_crm"
    ]
    assert not guilty


def test_conditions_on_booleans_can_use_an_index() -> None:
    """MariaDB uses none for ``IS false``; ``~column`` is ``= 0`` there.

    A column that may be NULL needs it: so does ``Contact.main``, of few rows of an account.
    """
    found = [
        f"{path.relative_to(SOURCE)}: {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"\.is_(not)?\((?!None\))", line) and "Contact.main" not in line
    ]
    assert found == []


def test_rooms_are_siblings() -> None:
    """And the ground floor, on which they stand, knows none of them."""
    seen = set()
    for module in modules("quarterdeck"):
        room = room_of(module)
        for other in {room_of(name) for name in imports(module)} - {None, room}:
            seen.add((room or module, other))
    assert seen <= set(ALLOWED), "see ALLOWED"


def test_the_application_uses_the_public_names_of_the_kit() -> None:
    """So that every application can do the same."""
    guilty = [
        f"{module} imports {name}"
        for module in modules("quarterdeck_crm")
        for name in imports(module)
        if re.match(r"quarterdeck\.(.*\.)?_[a-z]", name)
    ]
    assert not guilty


@pytest.mark.parametrize("room", ROOMS)
def test_public_names(room: str) -> None:
    """``__all__`` is complete and true."""
    module = importlib.import_module(f"quarterdeck.{room}")
    declared = list(module.__all__)
    assert len(declared) == len(set(declared))
    assert all(hasattr(module, name) for name in declared)
    assert set(declared) == set(_offered(module)), "imported or defined, but not in __all__"
    assert module.__doc__


@pytest.mark.parametrize("room", ROOMS)
def test_public_members_have_docstrings(room: str) -> None:
    """The reference pages show them; an override may have that of its base class."""
    module = importlib.import_module(f"quarterdeck.{room}")
    public = [(name, getattr(module, name)) for name in module.__all__]
    classes = [(name, each) for name, each in public if inspect.isclass(each) and _is_ours(each)]
    missing = [name for name, each in public if inspect.isfunction(each) and not each.__doc__]
    missing += [
        f"{name}.{member}"
        for name, each in classes
        for member, value in vars(each).items()
        if not member.startswith("_")
        and (inspect.isroutine(value) or isinstance(value, property))
        and not inspect.getdoc(value)
    ]
    assert missing == []


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("quarterdeck")


def _offered(module: ModuleType) -> Iterator[str]:
    """What a package imports from its own files, or a module defines itself."""
    assert module.__file__
    body = ast.parse(Path(module.__file__).read_text("utf-8")).body
    if hasattr(module, "__getattr__"):  # type checkers see the imports that are deferred
        body += [each for node in body if isinstance(node, ast.If) for each in node.body]
    for node in body:
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and hasattr(module, "__path__"):
            if node.level or (node.module or "").startswith("quarterdeck"):
                names = [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        yield from (name for name in names if not name.startswith("_"))


# Rooms without one of the two files of a room, and the reason.
NO_EXTENSION = {
    "app": "the application object is its own extension",
    "bridge": "each of its modules has the extension that it stands for",
    "routing": "converters are registered by name",
    "serving": "starts an app from outside",
    "testing": "helpers for tests, without state in the app",
}
NO_CONFIG = {
    "commands": "has no keys; the state of 'Commands' is its list of expected errors",
    "routing": "has no keys",
    "testing": "has no keys",
}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_have_one_shape(room: str) -> None:
    """``extension.py`` for the class with ``init_app``, ``config.py`` for its keys and state."""
    assert (KIT / room / "extension.py").exists() != (room in NO_EXTENSION)
    assert (KIT / room / "config.py").exists() != (room in NO_CONFIG)


def extras() -> dict[str, set[str]]:
    """The distributions that each extra asks for, extras of extras included."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    written: dict[str, list[str]] = table["optional-dependencies"]

    def names(extra: str) -> Iterator[str]:
        for requirement in written.get(extra, []):
            name, _, more = re.match(r"([\w.-]+)(\[([\w,-]+)\])?", requirement).groups()  # type: ignore[union-attr]
            if name == "quarterdeck":
                for inner in more.split(","):
                    yield from names(inner)
            else:
                yield name.lower().replace("_", "-")

    return {extra: set(names(extra)) for extra in written}


# Each child of this program has imported no more than the core, on which all rooms stand.
PROGRAM = """
import importlib, json, os, sys, traceback

class Missing:
    blocked = ()

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.blocked:
            raise ModuleNotFoundError(f"{name} belongs to the extra of another room", name=name)

import quarterdeck.app
core = {name.partition(".")[0] for name in sys.modules}
for unit, blocked, modules in json.load(sys.stdin):
    if not core.isdisjoint(blocked):
        sys.exit(f"{core.intersection(blocked)} are no part of the core")
    reading, writing = os.pipe()
    if os.fork() == 0:
        sys.meta_path.insert(0, Missing)
        Missing.blocked, Missing.find_spec = blocked, classmethod(Missing.find_spec)
        try:
            for module in modules:
                importlib.import_module(module)
        except BaseException:
            os.write(writing, traceback.format_exc()[-4000:].encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as errors:
        print(json.dumps([unit, errors.read()]))
    os.wait()
"""


# Rooms whose extra has another name.
EXTRAS_OF_ROOMS = {"apscheduler": "scheduler"}


def units() -> dict[tuple[str, ...], list[str]]:
    """The modules by the extras they may use.

    A room's modules use the room's; a file or folder named after another extra, like the
    store ``session/redis.py``, uses that one too.
    """
    known = extras().keys()
    found: dict[tuple[str, ...], list[str]] = {}
    for module in modules("quarterdeck"):
        room = room_of(module) or "ground floor"
        room = EXTRAS_OF_ROOMS.get(room, room)
        more = (part for part in module.split(".")[2:] if part in known and part != room)
        found.setdefault((room, *more), []).append(module)
    return found


@functools.cache
def owners_of_packages() -> Mapping[str, list[str]]:
    """The distributions of each installed package; reading them takes longer than a test."""
    return packages_distributions()


def blocked_for(allowed: tuple[str, ...]) -> list[str]:
    """Return the installed packages that no extra of a unit asks for, but one of another does."""
    by_extra = extras()
    own = set().union(*(by_extra.get(extra, set()) for extra in allowed))
    foreign = set().union(*by_extra.values()) - own
    return [
        name
        for name, owners in owners_of_packages().items()
        if {owner.lower().replace("_", "-") for owner in owners} & foreign
    ]


@pytest.fixture(scope="module")
def import_errors() -> dict[str, str]:
    """The error of each unit, imported in a process of its own as if nothing else were there."""
    tasks = [("+".join(unit), blocked_for(unit), names) for unit, names in units().items()]
    assert all("faker" in blocked for _, blocked, _ in tasks)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(tasks),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.timeout(180)  # the first one waits for all
@pytest.mark.parametrize("unit", ["+".join(unit) for unit in units()])
def test_modules_import_with_their_own_extra_only(unit: str, import_errors: dict[str, str]) -> None:
    assert not import_errors[unit], import_errors[unit]
