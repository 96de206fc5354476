import click
from quart import Quart, current_app

from quarterdeck.commands import Commands

app = Quart(__name__)
Commands(app)


@app.cli.command()
async def greet():
    """Say hello."""
    click.echo(f"Hello from {current_app.name}")
