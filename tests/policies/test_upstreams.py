"""Private names of upstreams: each is listed with its reason, exists, and has a version bound."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import quarterdeck
from quarterdeck import _hypercorn, _jinja, _quart, _sqlalchemy, _wtforms
from tests.versions.lowest import requirements

KIT = Path(quarterdeck.__file__).parent
LISTED = (
    _quart.PRIVATE | _hypercorn.PRIVATE | _jinja.PRIVATE | _sqlalchemy.PRIVATE | _wtforms.PRIVATE
)
# Also those of the versions of Quart that are not installed here.
OF_ALL_VERSIONS = LISTED | _quart.PRIVATE_SEPARATE | _quart.PRIVATE_MERGED
NAMES = {name.rpartition(":")[2].rpartition(".")[2] for name in OF_ALL_VERSIONS}

# The distributions whose private names are used. Raise a bound here and in pyproject.toml
# after 'make test-newest' has passed with the new version.
CHECKED = {
    "quart": "0.23",
    "flask": "3.1",
    "werkzeug": "3.1",
    "hypercorn": "0.18",
    "wsproto": "1.3",
    "sqlalchemy": "2.1",
    "aiosqlite": "0.22",
    "aiomysql": "0.3",
    "asyncmy": "0.2",
    "wtforms": "3.3",
    "jinja2": "3.1",
    "markupsafe": "3.0",
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules of the kit outside the modules for upstreams."""
    for path in sorted(KIT.rglob("*.py")):
        yield path.relative_to(KIT), ast.parse(path.read_text("utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def own_names() -> set[str]:
    """The names that the kit itself defines or assigns."""
    found: set[str] = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found


@pytest.mark.parametrize("name", LISTED)
def test_each_listed_name_exists(name: str) -> None:
    """As an attribute, or assigned by the methods of the class."""
    module, _, path = name.partition(":")
    *parents, last = path.split(".")
    holder: Any = importlib.import_module(module)
    for parent in parents:
        holder = getattr(holder, parent)
    if hasattr(holder, last):
        return
    sources = [inspect.getsource(each) for each in holder.__mro__[:-1] if each is not object]
    assert any(f"self.{last}" in source for source in sources)


def test_private_names_are_imported_in_one_place_only() -> None:
    guilty = [
        f"{path} imports {node.module}.{alias.name}"
        for path, tree in trees()
        if path.name not in ("_quart.py", "_jinja.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        if not (node.module or "").startswith(("quarterdeck", "__future__"))
        for alias in node.names
        if is_private(alias.name)
    ]
    assert not guilty


def test_context_proxies_are_used_in_one_place_only() -> None:
    guilty = [
        f"{path} imports {alias.name}"
        for path, tree in trees()
        if path.name != "_quart.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in {"app_ctx", "request_ctx", "websocket_ctx"}
    ]
    assert not guilty, "use the functions of quarterdeck._quart"


def test_every_private_attribute_of_an_upstream_is_listed() -> None:
    documented = {"_exit", "_getframe", "_current_frames", "_clear_type_cache"}
    known = own_names() | NAMES | documented
    guilty = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in known
    ]
    assert not guilty


def test_proxies_are_unwrapped_in_one_place_only() -> None:
    guilty = [
        str(path)
        for path, tree in trees()
        if path.name != "_quart.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "_get_current_object"
    ]
    assert not guilty, "use quarterdeck._quart.unwrap"


def test_every_private_method_that_a_class_overrides_is_listed() -> None:
    seen, guilty = set(), []
    for module in pkgutil.walk_packages([str(KIT)], "quarterdeck."):
        for made in vars(importlib.import_module(module.name)).values():
            if not inspect.isclass(made) or made.__module__ != module.name:
                continue
            for name in filter(is_private, vars(made).keys() - {"_abc_impl"}):
                if upstream := _upstream_of(made, name):
                    seen.add(name)
                    if name not in NAMES:
                        guilty.append(f"{module.name}.{made.__name__}.{name} of {upstream}")
    assert "_create_stream" in seen
    assert not guilty


def _upstream_of(made: type, name: str) -> str | None:
    roots = {"quart", "flask", "werkzeug", "hypercorn", "wsproto", "sqlalchemy", "aiosqlite"}
    roots |= {"wtforms", "jinja2", "click", "alembic"}
    for base in made.__mro__[1:]:
        if name in vars(base) and base.__module__.partition(".")[0] in roots:
            return f"{base.__module__}.{base.__name__}"
    return None


@pytest.mark.parametrize("distribution", CHECKED)
def test_the_versions_are_bounded_and_checked(distribution: str) -> None:
    """An upper bound keeps an unchecked version out; the installed one is within the bounds."""
    declared = [Requirement(each) for each in requirements()]
    found, *_ = [each for each in declared if each.name == distribution]
    major, minor = CHECKED[distribution].split(".")
    assert found.specifier.contains(version(distribution))
    assert not found.specifier.contains(f"{major}.{int(minor) + 1}.0")
