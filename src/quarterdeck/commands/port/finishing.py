"""``--finish``: files whose plain functions do not wait leave the bridge.

A name moves to Quart or to a room of the kit if it is the same object there, or if the bridge
only gives it the colour of its caller. The tests decide, as in a move.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import PurePosixPath

import libcst as cst

from .findings import Finding
from .functions import own_nodes
from .imports import BRIDGE, ROOMS, move_names
from .kinds import Kinds, Scope
from .moving import Move
from .project import Module, Project, read, write
from .proof import compare_tests
from .requirements import remove_plugin
from .trial import Runner, Trial, copy_project

# The app is the last to leave: it runs requests in the bridge.
_APP = {
    f"{BRIDGE}.flask.Flask": ("quarterdeck.app", "Quart"),
    f"{BRIDGE}.testing.TestCase": ("unittest", "IsolatedAsyncioTestCase"),
}
_CURES = {
    "FlaskForm": "Use 'quarterdeck.wtf.QuartForm' and 'await Form.from_request()'.",
    "Form": "Use 'quarterdeck.wtf.QuartForm' and 'await Form.from_request()'.",
    "SQLAlchemy": "Use 'quarterdeck.sqlalchemy.SQLAlchemy'; docs/from-flask.md shows how.",
    "Thread": "Use 'quarterdeck.apscheduler', or a task of asyncio.",
    "install_import_hook": "Replace the extension that imports Flask.",
    "wait": "Make the function async and write 'await'.",
}


def finish(move: Move) -> None:
    """Move the names of each file that needs the bridge no more."""
    runner = Runner(move.kit, move.tests or [], bridged=True)
    copy_project(move.original, move.ported)
    with move.watch("Baseline") as progress:
        move.baseline = move.final = runner.run(move.original, progress=progress)
    project = Project(move.ported)
    kinds = Kinds(project)
    table = same_names()
    waiting = _observed(move.baseline)
    stays: list[Finding] = []
    texts: dict[PurePosixPath, str] = {}
    for path, module in project.modules.items():
        if BRIDGE not in module.text or module.is_migration:
            continue
        waits = [line for line in [*waiting.get(str(path), []), *_static(kinds, module)] if line]
        if waits:
            problem = f"{len(set(waits))} places wait in plain functions."
            cure = "Make these functions async."
            stays.append(Finding(str(path), min(waits), problem, cure))
            continue
        text = move_names(cst.parse_module(module.text), table).code
        if text != module.text:
            texts[path] = text
    _apply(move, runner, texts, stays)
    if not stays:
        _farewell(move)
    for path, module in Project(move.ported).modules.items():
        if not any(each.path == str(path) for each in stays):
            stays += _left(path, module)
    move.findings = sorted(stays)
    move.proofs = [compare_tests(move.baseline, move.final)]


def same_names() -> dict[str, tuple[str, str]]:
    """Return the names of the bridge that are the same in Quart or in a room of the kit."""
    found = {}
    for room in sorted({*ROOMS.values()}):
        bridge = importlib.import_module(f"{BRIDGE}.{room}")
        homes = ["quart", "quarterdeck.app"] if room == "flask" else [f"quarterdeck.{room}"]
        for home in homes:
            module = importlib.import_module(home)
            for name in getattr(bridge, "__all__", ()):
                own, other = getattr(bridge, name, None), getattr(module, name, None)
                is_same = own is other or getattr(own, "__wrapped__", bridge) is other
                if other is not None and (is_same or (room, name) == ("flask", "Blueprint")):
                    found[f"{BRIDGE}.{room}.{name}"] = (home, name)
    return found


def _observed(trial: Trial) -> dict[str, list[int]]:
    """Return the lines of the waits that a run has seen, by file."""
    found: dict[str, list[int]] = {}
    for (path, _), places in trial.waited.items():
        found.setdefault(path, []).extend(place[0] for place, _ in places)
    return found


def _static(kinds: Kinds, module: Module) -> Iterator[int]:
    """Yield the lines of plain functions that would wait if they ran."""
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef):
            scope = Scope(kinds, module, function)
            for node in own_nodes(function):
                if isinstance(node, ast.Call | ast.Attribute) and scope.is_awaitable(node):
                    yield node.lineno


def _apply(
    move: Move, runner: Runner, texts: dict[PurePosixPath, str], stays: list[Finding]
) -> None:
    """Write the texts that keep all tests; the others stay on the bridge."""
    before = {path: read(move.ported / path) for path in texts}
    for path, text in texts.items():
        write(move.ported / path, text)
    if not texts or _is_right(move, runner):
        move.files += [str(path) for path in texts]
        return
    for path, text in before.items():
        write(move.ported / path, text)
    for path, text in texts.items():
        write(move.ported / path, text)
        if _is_right(move, runner):
            move.files.append(str(path))
        else:
            write(move.ported / path, before[path])
            cure = "Move its imports by hand."
            stays.append(Finding(str(path), 0, "A test fails without the bridge.", cure))


def _is_right(move: Move, runner: Runner) -> bool:
    with move.watch("Finish") as progress:
        trial = runner.run(move.ported, progress=progress)
    if move.baseline.passed - trial.passed:
        return False
    move.final = trial
    return True


def _farewell(move: Move) -> None:
    """Let the app itself leave the bridge, if nothing else is on it."""
    project = Project(move.ported)
    left = {
        name
        for path, module in project.modules.items()
        for name in _names_left(module)
        if f"{BRIDGE}.{name}" not in _APP
    }
    if left:
        return
    before: dict[PurePosixPath, str] = {}
    for path, module in project.modules.items():
        text = move_names(cst.parse_module(module.text), _APP).code
        if text != module.text:
            before[path] = module.text
            write(move.ported / path, text)
    settings = {name: read(move.ported / name) for name in _settings(move)}
    changed = remove_plugin(move.ported)
    if before and _is_right(move, Runner(move.kit, move.tests or [], bridged=False)):
        move.files += [name for name in map(str, before) if name not in move.files]
        move.files += changed
        return
    for path, text in before.items():
        write(move.ported / path, text)
    for name, text in settings.items():
        write(move.ported / name, text)


def _settings(move: Move) -> Iterator[str]:
    for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        if (move.ported / name).is_file():
            yield name


def _names_left(module: Module) -> Iterator[str]:
    """Yield the names that a module imports from the bridge, such as ``flask.Flask``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(BRIDGE):
            room = (node.module or "").removeprefix(BRIDGE).lstrip(".")
            yield from (f"{room}.{alias.name}".lstrip(".") for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(BRIDGE):
                    yield alias.name.removeprefix(BRIDGE + ".")


def _left(path: PurePosixPath, module: Module) -> list[Finding]:
    names = sorted({name.rpartition(".")[2] for name in _names_left(module)})
    if not names:
        return []
    quoted = ", ".join(f"'{name}'" for name in names)
    cures = dict.fromkeys(_CURES[name] for name in names if name in _CURES)
    cure = " ".join(cures) or "It leaves with the last file."
    return [Finding(str(path), 0, f"{quoted} of the bridge are left.", cure)]
