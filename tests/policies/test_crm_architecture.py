"""The packages of the CRM: their order, and the few modules of its root."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
CRM = SOURCE / "quarterdeck_crm"

# From the ground up. A unit (a package, or a module of the root) may import those below it;
# units in one line do not know each other.
LAYERS = (
    ("languages", "terminal"),
    ("errors", "money", "paths"),
    ("config", "extensions", "schema", "validation"),
    ("models", "listing"),
    ("cache",),
    ("events", "permissions", "idempotency", "search"),
    ("history",),
    ("forms",),
    ("web",),
    ("audit",),
    ("extras",),
    ("tokens", "mail", "saved_views"),  # below the team, which revokes tokens and mails invitations
    ("notifications",),
    ("notes",),
    ("team", "attachments", "tasks"),
    ("orders", "goods"),
    ("deals",),
    ("people",),
    ("auth", "accounts", "board"),
    ("lists",),
    ("bulk", "dashboard", "duplicates", "transfer", "live", "demo"),
    ("jobs",),
    ("api",),
    ("cli",),
    ("factory",),
    ("asgi", "__init__"),
    ("__main__",),
)

# The root holds nothing else. A new shared module goes into one of the packages.
ROOT_MODULES = {
    "__init__", "__main__", "asgi", "errors", "extensions", "factory",
    "idempotency", "listing", "money", "paths", "permissions", "schema",
}  # fmt: skip
MAX_ROOT_MODULES = 12


def files() -> Iterator[Path]:
    return CRM.rglob("*.py")


def name_of(path: Path) -> str:
    """The dotted name of a module below the CRM, ``""`` for the CRM itself."""
    parts = path.relative_to(CRM).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module: str) -> str:
    return module.partition(".")[0] or "__init__"


@cache
def imports() -> dict[str, set[str]]:
    """The modules of the CRM that each of its modules imports when it runs.

    Imports inside functions count, those for type checkers do not.
    """
    modules = {name_of(path) for path in files()}
    found: dict[str, set[str]] = {}
    for path in files():
        module = name_of(path)
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        names = set(_imported(ast.parse(path.read_text("utf-8")), package))
        found[module] = {name if name in modules else name.rpartition(".")[0] for name in names}
    return found


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the dotted names below the CRM that a piece of code imports."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for statement in node.orelse:
            yield from _imported(statement, package)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if f"{alias.name}.".startswith(f"{CRM.name}."):
                yield alias.name.removeprefix(CRM.name).lstrip(".")
    elif isinstance(node, ast.ImportFrom):
        base = _base(node, package)
        if base is not None:
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imported(child, package)


def _base(node: ast.ImportFrom, package: str) -> str | None:
    """Return what stands before ``import``, without the CRM's name; None outside the CRM."""
    if node.level:
        above = package.split(".") if package else []
        above = above[: len(above) - node.level + 1]
        return ".".join([*above, *filter(None, [node.module])])
    module = node.module or ""
    inside = f"{module}.".startswith(f"{CRM.name}.")
    return module.removeprefix(CRM.name).lstrip(".") if inside else None


def test_the_walk_sees_what_it_should() -> None:
    """Test the test: it would pass on an empty list."""
    assert "models" in imports()["history.recording"]
    assert "factory" in imports()[""], "an import inside a function"
    assert "config" not in imports()[""], "an import for type checkers"
    assert "web.health" in imports()["factory"]


def test_packages_import_downwards_only() -> None:
    level = {unit: number for number, layer in enumerate(LAYERS) for unit in layer}
    assert {unit_of(module) for module in imports()} == set(level), "LAYERS names every unit"
    guilty = sorted(
        f"{module or '__init__'} imports {name or '__init__'}"
        for module, names in imports().items()
        for name in names
        if unit_of(name) != unit_of(module) and level[unit_of(name)] >= level[unit_of(module)]
    )
    assert not guilty, "see LAYERS"


def test_no_module_imports_itself_by_way_of_others() -> None:
    # A package's ``__init__`` is imported before its modules, so that its own imports come first.
    graph = {module: names - {module} for module, names in imports().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_the_root_holds_a_few_modules_only() -> None:
    assert {path.stem for path in CRM.glob("*.py")} == ROOT_MODULES
    assert len(ROOT_MODULES) <= MAX_ROOT_MODULES
