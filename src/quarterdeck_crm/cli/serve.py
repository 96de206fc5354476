"""``crm serve`` for production, ``crm run`` for development."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from quart.cli import ScriptInfo

from quarterdeck.exceptions import QuarterdeckError
from quarterdeck.serving import MAX_WORKERS, Plan, start
from quarterdeck_crm.config import choose
from quarterdeck_crm.paths import HYPERCORN

if TYPE_CHECKING:
    from quart import Quart

DEFAULT_BIND = "127.0.0.1:8000"
APP = "quarterdeck_crm:create_app()"
CHECK = "quarterdeck_crm.cli.startup:check_before_serving"


@click.command()
@click.option(
    "--bind",
    metavar="HOST:PORT",
    envvar="CRM_BIND",
    show_envvar=True,
    help="Address to listen on.  [default: hypercorn.toml]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
    envvar="CRM_WORKERS",
    show_envvar=True,
    help="Number of processes.  [default: hypercorn.toml]",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False),
    default=str(HYPERCORN),
    envvar="CRM_SERVER_CONFIG",
    show_envvar=True,
    help="A hypercorn.toml of your own, for example with certificates.",
)
@click.option(
    "--spawn", is_flag=True, help="Let each worker import the CRM itself, instead of forking it."
)
def serve(bind: str | None, workers: int | None, config: str, spawn: bool) -> None:
    """Serve the CRM until SIGTERM or Ctrl-C, finishing the requests under way.

    Several workers need REDIS_URL. One that dies or hangs is replaced. SIGHUP replaces all of
    them, with new code and without a failed request.
    """
    settings: dict[str, Any] = {"bind": [bind]} if bind else {}
    try:
        # The supervisor holds no app that could tell it.
        settings["log_format"] = os.environ.get("CRM_LOG_FORMAT") or choose(None).LOG_FORMAT
        plan = Plan(APP, config, settings, workers, CHECK, checks_extensions=False)
        start(plan, spawn=spawn)
    except QuarterdeckError as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.option(
    "--bind",
    metavar="HOST:PORT",
    default=DEFAULT_BIND,
    envvar="CRM_BIND",
    show_default=True,
    show_envvar=True,
    help="Address to listen on.",
)
@click.pass_context
def run(ctx: click.Context, bind: str) -> None:
    """Serve for development: with tracebacks, and restart after each change of the code."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter(
            "Expected HOST:PORT, such as 127.0.0.1:8000.", ctx, param_hint="--bind"
        )
    _load(ctx).run(host=host, port=int(port), debug=True, use_reloader=True)


def _load(ctx: click.Context) -> Quart:
    return ctx.ensure_object(ScriptInfo).load_app()
