"""``quarterdeck serve``: serve any Quart or ASGI app."""

from __future__ import annotations

from pathlib import Path

import click

from quarterdeck._cli import clear_errors
from quarterdeck._process import MAX_WORKERS

from .supervisor import Plan, start

DEFAULT_FILE = "hypercorn.toml"


@click.command("serve")
@click.argument("app")
@click.option(
    "--bind", multiple=True, metavar="HOST:PORT", help="Address to listen on; may be repeated."
)
@click.option(
    "--workers", type=click.IntRange(1, MAX_WORKERS), help="Number of processes.  [default: 1]"
)
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Limits and logs.  [default: {DEFAULT_FILE}, if there is one]",
)
@click.option(
    "--spawn", is_flag=True, help="Let each worker import the app itself, instead of forking it."
)
def serve(
    app: str, bind: tuple[str, ...], workers: int | None, file: Path | None, spawn: bool
) -> None:
    """Serve APP ('module:app' or 'module:create_app()') until SIGTERM or Ctrl-C.

    Several workers are watched: one that dies or hangs is replaced. SIGHUP replaces all of them,
    with new code and without a failed request.
    """
    if file is None and Path(DEFAULT_FILE).is_file():
        file = Path(DEFAULT_FILE)
    settings = {"bind": list(bind)} if bind else {}
    with clear_errors():
        start(Plan(app, str(file.resolve()) if file else None, settings, workers), spawn=spawn)
