"""Stage 2: functions become async, by insertions into the text of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .functions import Function, Position, own_nodes, position
from .kinds import Kinds, Scope, last_of
from .project import Module

_CONTEXTS = {"app_context", "session_transaction", "test_client", "test_request_context"}
#: Keys of the bridge that keep what older versions did, with the version that ended it.
ABSOLUTE, CASCADE = "BRIDGE_ABSOLUTE_LOCATION", "BRIDGE_CASCADE_BACKREFS"
_ENDED_BY = {ABSOLUTE: "Werkzeug 2.1", CASCADE: "SQLAlchemy 2"}
_LAST = 1 << 60
Insertion = tuple[int, int, int, str]  # line, column in bytes, rank among equals, text


def make_async(kinds: Kinds, module: Module, functions: Iterable[Function]) -> str:
    """Return the text of a module in which some functions are async."""
    insertions: list[Insertion] = []
    for function in functions:
        insertions.extend(_of_function(kinds, function))
    return insert(module.text, insertions)


def _of_function(kinds: Kinds, function: Function) -> Iterator[Insertion]:
    node = function.node
    yield node.lineno, node.col_offset, 0, "async "
    primaries = {
        position(inner)
        for outer in own_nodes(node)
        for inner in _bound_tighter(outer)
        if isinstance(inner, ast.Call | ast.Attribute)
    }
    for place in function.awaits:
        is_primary = place in primaries
        # Of two expressions that begin at the same place the longer one is the outer one.
        rank = place[2] * 100_000 + place[3]
        yield place[0], place[1], rank, "(await " if is_primary else "await "
        if is_primary:
            yield place[2], place[3], _LAST, ")"
    scope = Scope(kinds, function.module, node)
    for each in own_nodes(node):
        if isinstance(each, ast.With) and all(
            _is_context(scope, i.context_expr) for i in each.items
        ):
            yield each.lineno, each.col_offset, 0, "async "


def _bound_tighter(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node to which it binds tighter than ``await``."""
    if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        if not isinstance(node, ast.Starred):
            yield node.value
    elif isinstance(node, ast.Call):
        yield node.func


def _is_context(scope: Scope, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return last_of(node.func) in _CONTEXTS
    return scope.kind(node) == "client"


def insert(text: str, insertions: Iterable[Insertion]) -> str:
    """Return a text with insertions at places whose columns count bytes."""
    lines = [*text.splitlines(keepends=True), ""]  # a place after the last line exists, too
    by_line: dict[int, list[Insertion]] = {}
    for each in insertions:
        by_line.setdefault(each[0], []).append(each)
    for number, places in by_line.items():
        raw = lines[number - 1].encode()
        # From the end, so that earlier columns stay right. What is inserted last is in front.
        for _, column, _, new in sorted(places, key=lambda p: (-p[1], p[2])):
            raw = raw[:column] + new.encode() + raw[column:]
        lines[number - 1] = raw.decode()
    return "".join(lines)


def keep_old_ways(text: str, keys: Iterable[str]) -> str:
    """Return a bridged module whose apps do some things as older versions did.

    Args:
        text: The module.
        keys: ``ABSOLUTE`` or ``CASCADE``, or both.
    """
    insertions: list[Insertion] = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        target = node.targets[0]
        if last_of(node.value.func) == "Flask" and isinstance(target, ast.Name):
            indent = " " * node.col_offset
            lines = (
                f"{indent}{target.id}.config[{key!r}] = True  # as before {_ENDED_BY[key]}\n"
                for key in keys
            )
            insertions.append(((node.end_lineno or node.lineno) + 1, 0, 0, "".join(lines)))
    return insert(text if text.endswith("\n") else f"{text}\n", insertions)


def mark(module: Module, functions: Iterable[Function]) -> str:
    """Return the text of a module whose functions report that they run."""
    insertions: list[Insertion] = []
    for function in functions:
        call = f"__import__('quarterdeck_port_probe').ran{function.key!r}"
        body = function.node.body
        is_docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        first = body[1] if is_docstring and len(body) > 1 else body[0]
        decorators = getattr(first, "decorator_list", [])
        line = min([first.lineno, *(each.lineno for each in decorators)])
        if line == function.node.lineno or (is_docstring and line == body[0].end_lineno):
            insertions.append((line, first.col_offset, 0, f"{call}; "))
        else:
            source = module.text.splitlines()[line - 1]
            indent = source[: len(source) - len(source.lstrip())]
            insertions.append((line, 0, 0, f"{indent}{call}\n"))
    return insert(module.text, insertions)


__all__ = ["Position", "insert", "make_async", "mark"]
