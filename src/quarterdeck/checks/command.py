"""``quarterdeck check``: list the findings, and end with an exit code."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from quart import current_app

from quarterdeck._cli import async_command, with_app_argument
from quarterdeck._findings import Finding, Severity, Target
from quarterdeck._process import MAX_WORKERS
from quarterdeck._quart import unwrap

from .running import run_rules

DEFAULT_FILE = Path("hypercorn.toml")
_LEVELS = [str(each) for each in Severity]


def make_command(default_file: Path = DEFAULT_FILE) -> click.Command:
    """Return the command for the program of an app.

    Args:
        default_file: The configuration of the server, if it exists.
    """

    @click.command("check")
    @click.option("--deploy", is_flag=True, help="Also list what would be unsafe on a network.")
    @click.option(
        "--config",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"Limits of the server.  [default: {default_file.name}, if there is one]",
    )
    @click.option(
        "--workers",
        type=click.IntRange(1, MAX_WORKERS),
        help="Number of processes that will serve.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.option(
        "--fail-level",
        type=click.Choice(_LEVELS),
        default="warning",
        show_default=True,
        help="Exit with 1 for a finding of this severity or a worse one.",
    )
    @click.pass_context
    @async_command
    async def check(
        ctx: click.Context,
        deploy: bool,
        file: Path | None,
        workers: int | None,
        as_json: bool,
        fail_level: str,
    ) -> None:
        """List settings of the app that cannot work, each with the remedy."""
        server = await asyncio.to_thread(_server_config, file, default_file)
        target = Target(unwrap(current_app), server, workers or server.workers)
        findings, silenced = await run_rules(target, deploy=deploy)
        click.echo(_as_json(findings, silenced) if as_json else _as_text(findings, silenced))
        if any(each.severity >= Severity[fail_level.upper()] for each in findings):
            ctx.exit(1)

    return check


def _server_config(file: Path | None, default_file: Path) -> Any:
    if file is None and default_file.is_file():
        file = default_file
    config = import_module("quarterdeck.serving").Config
    return config() if file is None else config.from_toml(file)


def _as_text(findings: list[Finding], silenced: list[Finding]) -> str:
    lines = [f"{each.severity!s:8}{each.id}  {each}" for each in findings]
    if not findings:
        lines.append("Nothing to complain about.")
    if silenced:
        lines.append(f"Silenced: {', '.join(sorted({each.id for each in silenced}))}.")
    return "\n".join(lines)


def _as_json(findings: list[Finding], silenced: list[Finding]) -> str:
    def document(each: Finding) -> dict[str, Any]:
        names = ("id", "setting", "problem", "remedy")
        return {"severity": str(each.severity)} | {name: getattr(each, name) for name in names}

    values = {
        "findings": [document(each) for each in findings],
        "silenced": [document(each) for each in silenced],
    }
    return json.dumps(values, indent=2, ensure_ascii=False)


check_of_app = with_app_argument(make_command())
