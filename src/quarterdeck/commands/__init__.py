"""Commands that may be ``async``, a shell that takes ``await``, and the table of routes.

Stands in for Flask-Script and ``flask.cli``::

    from quart import Quart
    from quarterdeck.commands import Commands

    app = Quart(__name__)
    Commands(app)

    @app.cli.command()
    @click.argument("name")
    async def greet(name):
        "Say hello to NAME."
        click.echo(f"Hello, {name} from {current_app.name}")
"""

from __future__ import annotations

from quarterdeck._cli import AppGroup, async_command

from .configuration import config
from .environment import load_environment
from .extension import Commands
from .program import CommandEntry, CommandProgram, create_group
from .routes import routes
from .shell import shell

__all__ = [
    "AppGroup",
    "CommandEntry",
    "CommandProgram",
    "Commands",
    "async_command",
    "config",
    "create_group",
    "load_environment",
    "routes",
    "shell",
]
