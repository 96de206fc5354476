"""The commands ``babel extract``, ``init``, ``update`` and ``compile``: those of ``pybabel``.

They know the folders and the domain of the app, and the keywords of this room.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from babel.messages.frontend import BaseError, CommandLineInterface
from quart.cli import ScriptInfo

from quarterdeck.exceptions import ExtensionNotInitializedError

from .config import get_babel

if TYPE_CHECKING:
    from quart import Quart

MAPPING = "[python: **.py]\n[jinja2: **/templates/**.html]\n[jinja2: **/templates/**.txt]\n"
KEYWORDS = (
    "_l",
    "lazy_gettext",
    "lazy_ngettext:1,2",
    "lazy_pgettext:1c,2",
    "lazy_npgettext:1c,2,3",
)


@click.group("babel")
@click.option("--directory", "-d", help="The folder of the catalogues.  [default: the app's]")
@click.option("--domain", "-D", help="The name of the catalogues.  [default: the app's]")
@click.pass_context
def commands(ctx: click.Context, directory: str | None, domain: str | None) -> None:
    """Make and compile catalogues of translations."""
    own_directory, own_domain = _of_app(ctx) or ("translations", "messages")
    ctx.meta["directory"] = Path(directory or own_directory)
    ctx.meta["domain"] = domain or own_domain


def _of_app(ctx: click.Context) -> tuple[str, str] | None:
    """Return the first folder and domain of the app of a 'quart' program."""
    info = ctx.find_object(ScriptInfo)
    if info is None:
        return None
    app: Quart = info.load_app()
    try:
        state = get_babel(app)
    except ExtensionNotInitializedError:
        return None
    return state.translation_directories[0], state.default_domain.partition(";")[0]


@commands.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--mapping", "-F", type=click.Path(exists=True, dir_okay=False))
@click.option("--project", default="", help="The name in the header of the file.")
@click.pass_context
def extract(ctx: click.Context, paths: Sequence[str], mapping: str | None, project: str) -> None:
    """Collect the texts of PATHS, by default of this folder, into DOMAIN.pot.

    Without --mapping, 'babel.cfg' is used if there is one; otherwise all Python files and the
    templates in folders named 'templates'.
    """
    folder: Path = ctx.meta["directory"]
    folder.mkdir(parents=True, exist_ok=True)
    keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
    options = [
        "--ignore-dirs",
        ".*",
        "--no-wrap",
        "--sort-by-file",
        # Line numbers would change in all entries below an edit.
        "--add-location",
        "file",
        "--add-comments",
        "translators:",
        "--strip-comments",
    ]
    if project:
        options += ["--project", project]
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as standard:
        standard.write(MAPPING)
        standard.flush()
        chosen = mapping or ("babel.cfg" if Path("babel.cfg").exists() else standard.name)
        _pybabel(
            "extract", "-F", chosen, "-o", str(_template(ctx)), *options, *keywords, *(paths or ".")
        )


@commands.command()
@click.argument("language")
@click.pass_context
def init(ctx: click.Context, language: str) -> None:
    """Start the catalogue of a LANGUAGE, such as 'de' or 'zh_Hans'."""
    _pybabel("init", "--no-wrap", *_files(ctx), "-l", language)


@commands.command()
@click.option("--language", "-l", help="Only this one.  [default: all]")
@click.pass_context
def update(ctx: click.Context, language: str | None) -> None:
    """Bring the texts of DOMAIN.pot into the catalogues; translations are kept."""
    only = ["-l", language] if language else []
    _pybabel("update", "--no-wrap", "--no-fuzzy-matching", *_files(ctx), *only)


@commands.command("compile")
@click.option("--language", "-l", help="Only this one.  [default: all]")
@click.option("--use-fuzzy", "-f", is_flag=True, help="Also translations marked as fuzzy.")
@click.pass_context
def compile_(ctx: click.Context, language: str | None, use_fuzzy: bool) -> None:
    """Write the .mo file of each catalogue."""
    only = [*(["-l", language] if language else []), *(["-f"] if use_fuzzy else [])]
    _pybabel("compile", "-d", str(ctx.meta["directory"]), "-D", ctx.meta["domain"], *only)


def _template(ctx: click.Context) -> Path:
    folder: Path = ctx.meta["directory"]
    return folder / f"{ctx.meta['domain']}.pot"


def _files(ctx: click.Context) -> list[str]:
    if not _template(ctx).exists():
        raise click.ClickException(f"'{_template(ctx)}' does not exist. Run 'babel extract' first.")
    return ["-i", str(_template(ctx)), "-d", str(ctx.meta["directory"]), "-D", ctx.meta["domain"]]


def _pybabel(*arguments: str) -> None:
    program: Any = CommandLineInterface()
    try:
        code = program.run(["pybabel", *arguments])
    except (BaseError, OSError, ValueError) as error:
        raise click.ClickException(f"{error}.".replace("..", ".")) from error
    if code:
        raise click.ClickException("The catalogues have errors; see above.")
