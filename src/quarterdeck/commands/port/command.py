"""``quarterdeck port``: moves a Flask project to Quart and the kit."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from .discovery import find_app, find_python, find_tests, missing_packages
from .finishing import finish
from .moving import Move, uses_bridge
from .process import Progress
from .project import Project
from .proof import last_line
from .report import needs_person, report
from .scan import used_packages
from .trial import PATIENCE, arguments_of, copy_project


@click.command("port")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--check", is_flag=True, help="Change nothing: run all stages in a copy, and report.")
@click.option("--out", type=click.Path(), help="Write the ported project into this new folder.")
@click.option("--report", "report_file", type=click.Path(dir_okay=False), help="Save the report.")
@click.option("--tests", metavar="COMMAND", help="How the tests run, such as 'pytest tests -q'.")
@click.option(
    "--stage",
    type=click.Choice(["bridge", "async"]),
    default="async",
    show_default=True,
    help="The last stage: plain functions on the bridge, or async ones.",
)
@click.option("--finish", "is_finish", is_flag=True, help="Leave the bridge where nothing waits.")
@click.option("--python", help="The interpreter of the Flask project, with its packages.")
@click.option("--app", "app_name", metavar="MODULE:APP", help="The app of a project without tests.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=PATIENCE,
    show_default=True,
    help="Seconds that one test or page may take.",
)
@click.option("--untested", is_flag=True, help="Convert functions that nothing runs, too.")
def port(
    folder: str,
    check: bool,
    out: str | None,
    report_file: str | None,
    tests: str | None,
    stage: str,
    is_finish: bool,
    python: str | None,
    app_name: str | None,
    timeout: float,
    untested: bool,
) -> None:
    """Move the Flask project in DIR to Quart and the kit.

    The tests of the project decide: they run before and after each stage, in copies. DIR changes
    at the end, and only if git can undo it; '--out' and '--check' leave it as it is.
    The exit code is 1 if something needs you.
    """
    root = Path(folder).resolve()
    project = Project(root)
    if not used_packages(project) and not uses_bridge(project):
        raise click.ClickException(
            f"No file in '{folder}' imports Flask. Name the project's folder."
        )
    target = _target(root, check, out)
    arguments = _arguments(tests, project)
    interpreter = find_python(root, python)
    _check_report_file(report_file)
    missing = missing_packages(project)
    for finding in missing:
        click.echo(str(finding), err=True)
    app = find_app(project, app_name) if arguments is None else None
    with TemporaryDirectory(prefix="port-") as scratch:
        original = Path(scratch, "original", root.name)
        copy_project(root, original)
        move = Move(
            original,
            Path(scratch, "ported", root.name),
            arguments,
            app,
            interpreter,
            watched,
            is_last_stage_bridge=stage == "bridge",
            includes_untested=untested,
            patience=timeout,
            findings=missing,
        )
        (finish if is_finish else Move.run)(move)
        if move.tests is not None and not move.baseline.passed:
            raise click.ClickException(_no_baseline(move, interpreter))
        text = report(move)
        click.echo(text, nl=False)
        if report_file is not None:
            Path(report_file).write_text(text, "utf-8")
        if target is not None:
            _deliver(move, root, target)
            click.echo(f"\nThe ported project is in '{target}'.")
        if needs_person(move):
            raise click.exceptions.Exit(1)


def _check_report_file(report_file: str | None) -> None:
    """Refuse a file that cannot be written, before the work of minutes."""
    if report_file is not None and not Path(report_file).resolve().parent.is_dir():
        hint = f"The folder of '{report_file}' does not exist. Make it first."
        raise click.BadParameter(hint, param_hint="--report")


def _deliver(move: Move, root: Path, target: Path) -> None:
    """Write the ported project; a new folder appears at once, when it is complete."""
    if target == root:
        move.deliver(target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".port-", dir=target.parent) as scratch:
        whole = Path(scratch, target.name)
        copy_project(root, whole)
        move.deliver(whole)
        if target.exists():
            target.rmdir()
        whole.rename(target)


def _target(root: Path, check: bool, out: str | None) -> Path | None:
    """Return the folder to write; None with ``--check``."""
    if check:
        return None
    if out is not None:
        target = Path(out).resolve()
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise click.ClickException(f"'{out}' is not empty. Choose a new folder for '--out'.")
        if target.is_relative_to(root):
            raise click.ClickException(f"'{out}' is inside of the project. Choose another folder.")
        return target
    if problem := git_problem(root):
        raise click.ClickException(f"{problem} Commit the changes, or use '--out' or '--check'.")
    return root


def git_problem(root: Path) -> str:
    """Return why git could not undo changes in a folder; "" if it can."""
    command = ["git", "-C", str(root), "status", "--porcelain", "--", "."]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # runs git
    except OSError:
        return "git is not installed."
    if result.returncode != 0:
        return f"'{root}' is not in a git repository."
    changed = result.stdout.splitlines()
    return f"git reports {len(changed)} changed files." if changed else ""


def _arguments(tests: str | None, project: Project) -> list[str] | None:
    if tests is None:
        return find_tests(project)
    try:
        return arguments_of(tests)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--tests") from None


def _no_baseline(move: Move, interpreter: str) -> str:
    end = "\n".join(move.baseline.output.splitlines()[-15:])
    failed = sorted(move.baseline.failed)
    reason = last_line(move.baseline.messages.get(failed[0], "")) if failed else ""
    return (
        f"No test of the project passes with '{interpreter}'. {reason}\n{end}\n"
        "Name the interpreter that has the packages of the project with '--python', and the "
        "command of the tests with '--tests'."
    )


@contextlib.contextmanager
def watched(label: str) -> Iterator[Progress]:
    """Show a bar while tests run; only a line where the output is not a terminal."""
    if not sys.stderr.isatty():
        click.echo(f"{label} ...", err=True)
        yield lambda ended, total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def progress(ended: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(ended - bar.pos)

        yield progress
        bar.update((bar.length or 1) - bar.pos)
