"""The files of a Flask project, and the names that its modules define and import."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from .findings import Finding

# Folders that hold no code of the project.
SKIPPED = {
    ".git",
    ".hg",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".venv",
    "__pycache__",
    "env",
    "node_modules",
    "site-packages",
    "venv",
}
# Kept when a project is copied for a trial, because a project may ask git for its version.
NEVER_COPIED = SKIPPED - {".git", "env"}


@dataclass
class Module:
    """One Python file: its text and the names in it."""

    path: PurePosixPath
    text: str
    tree: ast.Module
    imported: dict[str, str] = field(default_factory=dict)  # local name: dotted name
    stars: list[str] = field(default_factory=list)

    @cached_property
    def is_test(self) -> bool:
        """Whether pytest finds tests or fixtures in the file."""
        name = self.path.name
        return (
            name == "conftest.py"
            or bool(re.fullmatch(r"tests?|test_.*|.*_tests?", self.path.stem))
            or any(part in ("tests", "test") for part in self.path.parts[:-1])
        )

    @property
    def is_migration(self) -> bool:
        """Whether Alembic runs the file."""
        return "versions" in self.path.parts or self.is_environment

    @property
    def is_environment(self) -> bool:
        """Whether the file is Alembic's ``env.py``."""
        return self.path.name == "env.py" and "alembic" in self.text


class Project:
    """The Python files below a folder.

    Attributes:
        modules: By path relative to the folder, with forward slashes.
        unreadable: A finding for each file that the running Python cannot parse.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: dict[PurePosixPath, Module] = {}
        self.unreadable: list[Finding] = []
        self._found: dict[tuple[str, PurePosixPath], Module | None] = {}
        for path in sorted(python_files(root)):
            self._add(path)

    def _add(self, path: Path) -> None:
        relative = PurePosixPath(path.relative_to(root := self.root).as_posix())
        try:
            text = read(root / relative)
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            problem = f"Python cannot read the file: {getattr(error, 'msg', None) or error}"
            cure = "Correct it, or convert it from Python 2, and port again."
            self.unreadable.append(Finding(str(relative), line, problem, cure))
            return
        module = Module(relative, text, tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    module.imported[local] = alias.name if alias.asname else local
            elif isinstance(node, ast.ImportFrom):
                base = absolute(relative, node)
                for alias in node.names:
                    if alias.name == "*":
                        module.stars.append(base)
                    else:
                        module.imported[alias.asname or alias.name] = f"{base}.{alias.name}"
        self.modules[relative] = module

    def find(self, dotted: str, near: PurePosixPath) -> Module | None:
        """Return the module of a dotted name, as a file in a folder would import it.

        Folders nearer to the file come first: a project may hold several ``app.py``.
        """
        key = dotted, near.parent
        if key not in self._found:
            self._found[key] = self._find(dotted, near)
        return self._found[key]

    def _find(self, dotted: str, near: PurePosixPath) -> Module | None:
        inside = PurePosixPath(*dotted.split(".")) if dotted else PurePosixPath()
        for folder in near.parents:
            for name in (inside.with_suffix(".py") if dotted else None, inside / "__init__.py"):
                if name is not None and (found := self.modules.get(folder / name)):
                    return found
        for folder in {path.parent for path in self.modules}:  # a layout with src/
            if folder.name == "src" and (
                found := self.modules.get(folder / inside / "__init__.py")
            ):
                return found
        return None

    def owns(self, dotted: str, near: PurePosixPath) -> bool:
        """Whether the first part of a dotted name is a module or package of the project."""
        top = dotted.partition(".")[0]
        if self.find(top, near) is not None:
            return True
        return any(top in path.parts[:-1] for path in self.modules if len(path.parts) > 1) and any(
            path.parts[index] == top and (index == 0 or path.parts[index - 1] == "src")
            for path in self.modules
            for index in range(len(path.parts) - 1)
        )

    def origin(self, module: Module, name: str, seen: frozenset[str] = frozenset()) -> str:
        """Return the full name behind a dotted name of a module.

        ``db`` in a view may be ``app/extensions.py::db``; ``request`` may be ``flask.request``.
        A name that the module itself defines, and an unknown one, has the form ``PATH::NAME``.
        """
        head, dot, rest = name.partition(".")
        rest = dot + rest
        target = module.imported.get(head)
        key = f"{module.path}::{head}"
        if target is None or key in seen:
            for base in module.stars if key not in seen else ():
                found = self.find(base, module.path)
                if found is not None and head in defined(found):
                    return self.origin(found, head, seen | {key}) + rest
                if found is None and not self.owns(base, module.path):
                    return f"{base}.{head}{rest}" if head in STARRED else key + rest
            return key + rest
        base, _, last = target.rpartition(".")
        if (found := self.find(target, module.path)) and not rest:
            return target
        if found is not None:
            return self.origin(found, rest[1:], seen | {key})
        if base and (found := self.find(base, module.path)):
            return self.origin(found, last, seen | {key}) + rest
        return target + rest


# Names that apps use after 'from flask import *' and 'from flask_login import *'.
STARRED = {
    "Flask",
    "Blueprint",
    "render_template",
    "request",
    "flash",
    "current_user",
    "session",
    "g",
    "url_for",
    "redirect",
    "abort",
    "jsonify",
    "make_response",
}


def defined(module: Module) -> set[str]:
    """Return the names at the top of a module, with those that it imports."""
    names = set(module.imported)
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names


def absolute(path: PurePosixPath, node: ast.ImportFrom) -> str:
    """Return the module that a ``from`` import names, without leading dots."""
    if not node.level:
        return node.module or ""
    folder = list(path.parent.parts)
    above = folder[: len(folder) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def python_files(root: Path) -> Iterator[Path]:
    """Yield the Python files of a project, without those of environments and caches."""
    for path in root.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            if path.name not in SKIPPED and not (path / "pyvenv.cfg").exists():
                yield from python_files(path)
        elif path.suffix == ".py":
            yield path


def read(path: Path) -> str:
    """Return the text of a file with its line ends as they are.

    Raises:
        ValueError: If it is not UTF-8.
    """
    return path.read_bytes().decode("utf-8-sig")


def write(path: Path, text: str) -> None:
    """Write a text without changing its line ends."""
    path.write_bytes(text.encode())
