"""The functions of a project that become async: views, hooks, loaders and tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .kinds import HOOKS, ROUTES, Kinds, Scope, dotted, last_of
from .project import Module

Position = tuple[int, int, int, int]  # line, column, last line, last column; columns in bytes
FIXTURES = ("fixture", "yield_fixture")  # the decorators of pytest
_SHARED = ("setUp", "tearDown")


@dataclass
class Function:
    """One function that may become async.

    Attributes:
        module: Its module.
        name: Its qualified name in the module.
        node: Its definition.
        kind: ``view``, ``hook`` or ``test``.
        awaits: The positions of the expressions to await.
        obstacle: Why it cannot become async; "" if it can.
    """

    module: Module
    name: str
    node: ast.FunctionDef
    kind: str
    awaits: set[Position] = field(default_factory=set)
    obstacle: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The path of the module and the qualified name."""
        return str(self.module.path), self.name

    @property
    def first_line(self) -> int:
        """The line that Python names as the first one of the function."""
        return min([self.node.lineno, *(each.lineno for each in self.node.decorator_list)])


def find_functions(kinds: Kinds) -> Iterator[Function]:
    """Yield the functions of a project that may become async."""
    for module in kinds.project.modules.values():
        if not module.is_migration:
            yield from _in_body(kinds, module, module.tree.body, "", "")


def _in_body(
    kinds: Kinds, module: Module, body: list[ast.stmt], prefix: str, owner: str
) -> Iterator[Function]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            kind = _kind(kinds, module, node, prefix, owner)
            if kind:
                yield _examine(kinds, module, node, f"{prefix}{node.name}", kind, owner)
            inner = f"{prefix}{node.name}.<locals>."
            yield from _in_body(kinds, module, node.body, inner, "")
        elif isinstance(node, ast.ClassDef):
            full = f"{module.path}::{node.name}"
            yield from _in_body(kinds, module, node.body, f"{prefix}{node.name}.", full)
        else:
            for block in ("body", "orelse", "finalbody"):
                inside = getattr(node, block, None)
                if isinstance(inside, list):
                    yield from _in_body(kinds, module, inside, prefix, owner)


def _kind(kinds: Kinds, module: Module, node: ast.FunctionDef, prefix: str, owner: str) -> str:
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Attribute):
            if called.attr in HOOKS:
                return "hook"
            if called.attr in ROUTES and isinstance(decorator, ast.Call):
                return "view" if _is_route(decorator) else ""
    if not owner and f"{module.path}::{node.name}" in kinds.hooks and not prefix:
        return "hook"
    group = kinds.of.get(owner, "")
    if group == "view" and node.name in {*ROUTES, "dispatch_request", "head"}:
        return "view"
    if not module.is_test:
        return ""
    if group == "test case":
        is_shared = node.name in kinds.methods  # as in 'super().setUp()'
        if node.name.startswith("test") or (node.name in _SHARED and not is_shared):
            return "test"
    elif (
        node.name.startswith("test") and (not owner or "Test" in owner) and "<locals>" not in prefix
    ):
        return "" if any(last_of(each) in FIXTURES for each in node.decorator_list) else "test"
    return ""


def _is_route(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    if first is None:
        return any(option.arg == "rule" for option in call.keywords)
    if isinstance(first, ast.Constant):
        return isinstance(first.value, str)
    return True


def _examine(
    kinds: Kinds, module: Module, node: ast.FunctionDef, name: str, kind: str, owner: str
) -> Function:
    function = Function(module, name, node, kind)
    scope = Scope(kinds, module, node, owner)
    for each in own_nodes(node):
        if isinstance(each, ast.Yield | ast.YieldFrom):
            function.obstacle = "It is a generator."
        if isinstance(each, ast.Call | ast.Attribute) and scope.is_awaitable(each):
            function.awaits.add(position(each))
    full = f"{module.path}::{name}"
    if kind != "test" and (full in kinds.called or f"{module.path}::.{node.name}" in kinds.called):
        function.obstacle = "Other functions of the project call it."
    if any(dotted(d) in ("staticmethod", "classmethod", "property") for d in node.decorator_list):
        function.obstacle = "It is not a plain method."
    return function


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run in the frame of a function, not in one of an inner function.

    Those of comprehensions are included, except of generators: an ``await`` would change them.
    """
    pending: list[ast.AST] = list(getattr(function, "body", []))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.GeneratorExp):
            pending.append(node.generators[0].iter)  # runs in the frame of the function
            continue
        pending.extend(ast.iter_child_nodes(node))


def position(node: ast.AST) -> Position:
    """Return where an expression begins and ends."""
    place: Any = node  # also keywords and patterns have a position
    return (
        place.lineno,
        place.col_offset,
        place.end_lineno or place.lineno,
        place.end_col_offset or 0,
    )


def add_observed(function: Function, waits: list[tuple[Position, str]]) -> None:
    """Add the calls that a run has seen to the expressions to await.

    A wait that belongs to no expression, such as one through ``map``, is an obstacle.

    Args:
        function: The function.
        waits: The position and the name of each operation that waited in its frame.
    """
    nodes = [n for n in own_nodes(function.node) if isinstance(n, ast.Call | ast.Attribute)]
    for place, name in waits:
        last = name.rpartition(".")[2]
        found = [node for node in nodes if _is_at(node, place) and _last(node) == last]
        if not found:
            function.obstacle = f"'{name}' in line {place[0]} is called through another function."
            return
        function.awaits |= {position(node) for node in found}


def _last(node: ast.Call | ast.Attribute) -> str:
    return last_of(node.func) if isinstance(node, ast.Call) else node.attr


def _is_at(node: ast.Call | ast.Attribute, place: Position) -> bool:
    """Whether Python gives the place to a call; in a chain over lines it may name the attribute."""
    line, column, end_line, end_column = position(node)
    if place == (line, column, end_line, end_column):
        return True
    attribute = node.func if isinstance(node, ast.Call) else node
    if not isinstance(attribute, ast.Attribute):
        return False
    last, end = attribute.end_lineno or 0, attribute.end_col_offset or 0
    start = (last, end - len(attribute.attr.encode()))
    return place[:2] == start and place[2:] in ((end_line, end_column), (last, end))
