"""Find the interpreter, the tests and the app of a project."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click

from .findings import Finding
from .functions import FIXTURES
from .imports import ROOMS, plain_name
from .kinds import Kinds, last_of
from .project import Module, Project, read


def find_python(root: Path, named: str | None) -> str:
    """Return the interpreter of a project.

    Raises:
        click.BadParameter: If the one that was named is no program.
    """
    if named is not None:
        path = Path(named).expanduser()
        if not path.is_file() or not os.access(path, os.X_OK):
            hint = f"'{named}' is no program. Name the file, such as '.venv/bin/python'."
            raise click.BadParameter(hint, param_hint="--python")
        return str(path.absolute())  # not resolved: a link belongs to its environment
    for place in (root / ".venv", root / "venv", root / "env", os.environ.get("VIRTUAL_ENV")):
        for name in ("bin/python", "Scripts/python.exe"):
            if place and Path(place, name).is_file():
                return str(Path(place, name))
    return sys.executable


def find_tests(project: Project) -> list[str] | None:
    """Return the arguments with which pytest finds the tests; None if there are none."""
    found, others = False, []
    for path, module in project.modules.items():
        if not _has_tests(module):
            continue
        if re.fullmatch(r"test_.*|.*_test", path.stem):
            found = True
        elif module.is_test:
            others.append(str(path))
    if found and not others:
        return []
    return others or None if not found else [*_test_folders(project), *others]


def _test_folders(project: Project) -> list[str]:
    paths = [p for p in project.modules if re.fullmatch(r"test_.*|.*_test", p.stem)]
    return sorted({p.parts[0] for p in paths})


def _has_tests(module: Module) -> bool:
    if not module.is_test or module.path.name == "conftest.py":
        return False
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test")
        and not any(last_of(each) in FIXTURES for each in node.decorator_list)
        for node in ast.walk(module.tree)
    )


def find_app(project: Project, named: str | None) -> tuple[str, str] | None:
    """Return the module and the name of the app or its factory.

    Raises:
        click.BadParameter: If a name has another form than ``MODULE:APP``.
    """
    if named is not None:
        module, colon, name = named.partition(":")
        if not colon or not name or not module:
            hint = f"'{named}' is not of the form MODULE:APP. Write 'app:create_app', for instance."
            raise click.BadParameter(hint, param_hint="--app")
        return module, name
    wanted = _flask_app(project.root)
    found = sorted(_apps(project), key=lambda each: _rank(each, wanted))
    return found[0] if found else None


def _rank(app: tuple[str, str], wanted: str) -> tuple[bool, int, bool, str]:
    module, name = app
    names = ["wsgi", "app", "main", "run"]
    place = names.index(module) if module in names else len(names)
    return (module != wanted, place, name not in ("app", "application"), module)


def _flask_app(root: Path) -> str:
    """Return the module that FLASK_APP in ``.flaskenv`` names."""
    for name in (".flaskenv", ".env"):
        path = root / name
        if path.is_file():
            match = re.search(r"^(?:export )?FLASK_APP=[\"']?([\w./]+)", read(path), re.MULTILINE)
            if match:
                return match[1].removesuffix(".py").replace("/", ".")
    return ""


def _apps(project: Project) -> Iterator[tuple[str, str]]:
    kinds = Kinds(project)
    for path, module in project.modules.items():
        if module.is_test:
            continue
        dotted = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in ("create_app", "make_app"):
                if all(node.args.defaults) and len(node.args.defaults) >= len(node.args.args):
                    yield dotted, node.name
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if not isinstance(target, ast.Name):
                        continue
                    is_made = (
                        isinstance(node.value, ast.Call)
                        and isinstance(node.value.func, ast.Name)
                        and node.value.func.id in ("create_app", "make_app")
                    )
                    if is_made or kinds.of.get(f"{path}::{target.id}") == "app":
                        yield dotted, target.id


def missing_packages(project: Project) -> list[Finding]:
    """Return the first import of each package that is not installed here.

    Those of Flask that the bridge replaces are left out, and so are imports inside of ``try``.
    """
    missing: dict[str, Finding] = {}
    for module in project.modules.values():
        for name, line in _required(module.tree.body):
            top = plain_name(name).partition(".")[0]
            if top in ROOMS or top in missing or project.owns(top, module.path):
                continue
            if top in sys.stdlib_module_names or find_spec(top) is not None:
                continue
            problem = f"'{top}' is not installed for the ported project."
            cure = f"Install its package with '{sys.executable} -m pip install'."
            missing[top] = Finding(str(module.path), line, problem, cure)
    return sorted(missing.values())


def _required(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
