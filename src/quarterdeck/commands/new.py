"""``quarterdeck new``: the app of the tutorial under another name, to begin with."""

from __future__ import annotations

import keyword
import re
import secrets
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click

import quarterdeck

from .origin import installed_from, is_local, requirement_from

PACKAGE = Path(quarterdeck.__file__).parent
ORIGINAL = "noticeboard"  # the name of the app in the skeleton
KIT = "KIT ?= quarterdeck"  # in its Makefile
LOCAL = """A container, or another machine, cannot reach it. Build a wheel there with `make wheel`,
copy it into this folder, and use `docker build --build-arg KIT=./NAME.whl` and
`make install KIT=./NAME.whl`.
"""
LEFT_BEHIND = {"__pycache__", "instance", ".pytest_cache", ".env"}  # as in hatch_build.py


@click.command("new")
@click.argument("name")
@click.option(
    "--kit",
    help="Where pip finds Quarterdeck: a folder, a wheel, a URL, or 'quarterdeck' with a version.  "
    "[default: where this one was installed from]",
)
def new(name: str, kit: str | None) -> None:
    """Make the folder NAME with an app that is ready to run.

    It has sign-in, forms, a live page, mail, a job, migrations, tests, a Makefile, a Dockerfile
    and a unit for systemd.
    """
    folder = Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.ClickException(f"'{name}' exists already. Choose another name, or empty it.")
    check_name(name)
    try:
        requirement = installed_from() if kit is None else requirement_from(kit)
    except ValueError as error:
        raise click.BadParameter(
            f"'{kit}' {error}. Name a folder, a wheel, a URL, or 'quarterdeck' with a version.",
            param_hint="--kit",
        ) from None
    make(name, folder)
    name_kit(folder, requirement)
    click.echo(f"Made '{name}'. Next:\n\n    cd {name}\n    make install")
    click.echo(f"    .venv/bin/{name} db upgrade\n    .venv/bin/{name} user create NAME EMAIL")
    click.echo("    make run\n")


def check_name(name: str) -> None:
    """Refuse a name that cannot be the name of a new Python package.

    Raises:
        click.BadParameter: With the reason.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise click.BadParameter(
            f"'{name}' cannot name a Python package. Use lower-case letters, digits and '_', "
            "beginning with a letter.",
            param_hint="NAME",
        )
    if name == "tests" or find_spec(name) is not None:
        raise click.BadParameter(
            f"'{name}' is the name of another module. Choose one that cannot be imported yet.",
            param_hint="NAME",
        )


def make(name: str, folder: Path) -> None:
    """Write the files of an app, and a ``.env`` with a secret key of its own."""
    source = skeleton()
    for path in files_of(source):
        target = folder / renamed(str(path.relative_to(source)), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(path.read_text("utf-8"), name), "utf-8")
    example = (folder / ".env.example").read_text("utf-8")
    environment = folder / ".env"
    environment.touch(mode=0o600)
    environment.write_text(example.replace("put the key here", secrets.token_hex()), "utf-8")


def name_kit(folder: Path, requirement: str) -> None:
    """Let the Makefile install the given Quarterdeck, and say so unless an index has it."""
    makefile = folder / "Makefile"
    line = requirement.replace("#", r"\#")
    makefile.write_text(makefile.read_text("utf-8").replace(KIT, f"KIT ?= {line}"), "utf-8")
    if "@" not in requirement:
        return
    url = requirement.partition("@ ")[2]
    text = f"\n`KIT` in the Makefile lets `make install` take Quarterdeck from {url}.\n"
    if is_local(requirement):
        text += LOCAL
    else:
        text += f"For the container, add `--build-arg 'KIT={requirement}'` to `docker build`.\n"
    with (folder / "README.md").open("a", encoding="utf-8") as readme:
        readme.write(text)


def skeleton() -> Path:
    """Return the folder with the last step of the tutorial: in the wheel, or in the checkout."""
    packed = PACKAGE / "_skeleton"
    return packed if packed.is_dir() else PACKAGE.parents[1] / "examples" / "tutorial" / "step8"


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the files of a skeleton, without those that running it has left behind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and LEFT_BEHIND.isdisjoint(path.relative_to(folder).parts):
            yield path


def renamed(text: str, name: str) -> str:
    """Return a text of the skeleton with the name of another app, in its three spellings."""
    for spell in (str.lower, str.upper, str.capitalize):
        text = text.replace(spell(ORIGINAL), spell(name))
    return text
