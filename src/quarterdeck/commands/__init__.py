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

from typing import TYPE_CHECKING

from quarterdeck import _deferred

from .environment import load_environment
from .program import CommandEntry, CommandProgram, create_group

if TYPE_CHECKING:
    from quarterdeck._cli import AppGroup, async_command

    from .configuration import config
    from .extension import Commands
    from .interactive import shell
    from .url_rules import routes
else:  # the help of a program imports no Quart
    __getattr__ = _deferred.deferred(
        __name__,
        {
            "AppGroup": "._cli",
            "Commands": "extension",
            "async_command": "._cli",
            "config": "configuration",
            "routes": "url_rules",
            "shell": "interactive",
        },
    )

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
