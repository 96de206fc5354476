"""Change a module in small ways, one at a time, and name the changes that no test notices::

    python -m tests.mutation src/quarterdeck/login/next_url.py tests/kit/test_login_next.py

The arguments after the module go to pytest. Everything runs in a copy of the project.
"""

from __future__ import annotations

import ast
import difflib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeGuard

ROOT = Path(__file__).parents[1]
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "instance", "node_modules", "dist")
SLOWER = 5  # times the run without a change, plus seconds for the start, is an endless loop
OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
DROPPED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)
NOT_RUN = {"annotation", "returns"}


def mutants(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each change and the whole module with it."""
    tree = ast.parse(source)
    for parent in list(_running(tree)):
        for field, value in ast.iter_fields(parent):
            children = value if isinstance(value, list) else [value]
            for position, child in enumerate(children):
                if not isinstance(child, ast.AST) or field in NOT_RUN or _is_docstring(child):
                    continue
                for changed in _changes(child, field):
                    _put(parent, field, position, changed)
                    yield getattr(child, "lineno", 0), ast.unparse(ast.fix_missing_locations(tree))
                _put(parent, field, position, child)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that do something at run time."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in NOT_RUN and not _is_docstring(child):
                yield from _running(child)


def _changes(node: ast.AST, field: str) -> Iterator[ast.AST]:
    if isinstance(node, ast.expr) and field in ("test", "ifs"):
        yield node.operand if _is_negated(node) else ast.UnaryOp(ast.Not(), node)
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    if isinstance(node, ast.Compare):
        opposite = OPPOSITES[type(node.ops[0])]()
        yield ast.Compare(node.left, [opposite, *node.ops[1:]], node.comparators)
    if isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    if isinstance(node, DROPPED):
        yield ast.Pass()
    if isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(None)


def _other_constants(value: object) -> Iterator[ast.Constant]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str):
        yield ast.Constant(value + "x")


def _is_negated(node: ast.expr) -> TypeGuard[ast.UnaryOp]:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _put(parent: ast.AST, field: str, position: int, node: ast.AST) -> None:
    value = getattr(parent, field)
    if isinstance(value, list):
        value[position] = node
    else:
        setattr(parent, field, node)


class Copy:
    """A copy of the project in which one module is changed and its tests run."""

    def __init__(self, folder: Path, module: Path, arguments: list[str]) -> None:
        self.folder = folder / "project"
        shutil.copytree(ROOT, self.folder, ignore=NOT_COPIED)
        self._module = self.folder / module.resolve().relative_to(ROOT)
        options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
        self._command = [sys.executable, "-m", "pytest", *options, *arguments]
        path = os.pathsep.join(str(self.folder / part) for part in ("src", ""))
        # Python compares the hash of a module with that of its compiled file: times would not
        # tell two changes of the same second apart.
        compiling = ("-m", "compileall", "-q", "--invalidation-mode", "checked-hash")
        subprocess.run([sys.executable, *compiling, self.folder / "src"], check=True)
        self._environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def passes(self, source: str, seconds: float | None = None) -> bool:
        """Whether the tests pass in time with this text of the module."""
        self._module.write_text(source)
        process = subprocess.Popen(
            self._command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:  # with the servers that its tests have started
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def main(module: Path, arguments: list[str]) -> int:
    """Print the changes that survive; return 1 if there are any."""
    original = ast.unparse(ast.parse(module.read_text()))
    survivors, total = 0, 0
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Copy(Path(folder), module, arguments)
        began = time.monotonic()
        if not copy.passes(original):
            sys.exit("The tests fail without a change, or none was chosen. Run them with pytest.")
        limit = 10 + SLOWER * (time.monotonic() - began)
        for line, changed in mutants(module.read_text()):
            total += 1
            if copy.passes(changed, limit):
                survivors += 1
                print(f"{module}:{line}", *_difference(original, changed), sep="\n", flush=True)
    print(f"{survivors} of {total} changes survive")
    return bool(survivors)


def _difference(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [f"  {line}" for line in lines if not line.startswith(("---", "+++", "@@"))]


def _stop(number: int, _frame: object) -> NoReturn:
    """End through the clean-up, where the signal alone would leave the copy and the tests."""
    sys.exit(128 + number)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    if len(sys.argv) < 3:
        sys.exit("Usage: python -m tests.mutation MODULE PYTEST_ARGUMENT...")
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
