"""``crm serve`` for people who use the CRM, ``crm run`` for those who change it."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING

import click
from quart.cli import ScriptInfo

from quarterdeck import serving
from quarterdeck.exceptions import QuarterdeckError
from quarterdeck_crm.access_log import AccessLogger
from quarterdeck_crm.extensions import db, hub
from quarterdeck_crm.resources import HYPERCORN
from quarterdeck_crm.schema import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart import Quart

DEFAULT_BIND = "127.0.0.1:8000"


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
    type=click.IntRange(1),
    default=1,
    envvar="CRM_WORKERS",
    show_envvar=True,
    help="Number of processes.",
)
@click.pass_context
def serve(ctx: click.Context, bind: str | None, workers: int) -> None:
    """Serve the CRM until SIGTERM or Ctrl-C, finishing the requests under way."""
    if workers > 1:
        raise click.UsageError(
            f"'--workers {workers}' cannot be had yet: 'crm serve' is one process. "
            "Leave it out, or set it to 1. For several processes set REDIS_URL, "
            "run 'crm serve --bind HOST:PORT' once for each, and put a proxy before them."
        )
    app = _load(ctx)
    config = serving.Config.from_toml(HYPERCORN)
    config.logger_class = AccessLogger
    if bind:
        config.bind = [bind]
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(app, config))
    except OSError as error:
        raise click.ClickException(
            f"'{', '.join(config.bind)}' cannot be listened on: {error.strerror}. "
            "Choose another address with --bind HOST:PORT."
        ) from None


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
    """Serve for development: with tracebacks, and anew after each change of the code."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter(
            "Expected HOST:PORT, such as 127.0.0.1:8000.", ctx, param_hint="--bind"
        )
    _load(ctx).run(host=host, port=int(port), debug=True, use_reloader=True)


async def _serve(app: Quart, config: serving.Config) -> None:
    async with app.app_context():
        try:
            await check_schema()
            await hub.check()
        except QuarterdeckError as error:
            raise click.ClickException(str(error)) from None
        finally:
            await db.dispose()  # the server opens connections of its own
    gc.collect()
    gc.freeze()  # what was made until here stays: the collector need not look at it again
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await serving.serve(app, config, shutdown_trigger=stop.wait)


def _load(ctx: click.Context) -> Quart:
    return ctx.ensure_object(ScriptInfo).load_app()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
