"""Commands: async, with arguments, in an app context. The docstring of one is its help.

pip install quarterdeck
quart --app commands greet Ada --times 2
quarterdeck serve commands:app
quart --app commands shell                  # takes 'await'; 'ships' is there
quart --app commands routes
"""

import click
from quart import Quart, current_app

from quarterdeck.commands import AppGroup, Commands

app = Quart(__name__)
Commands(app)
ships = ["Endeavour", "Beagle"]
fleet = AppGroup("fleet", help="Work on the ships.")
app.cli.add_command(fleet)


@app.cli.command()
@click.argument("name")
@click.option("--times", default=1, show_default=True, help="How often.")
async def greet(name: str, times: int):
    """Say hello to NAME."""
    for _ in range(times):
        click.echo(f"Hello {name}, from {current_app.name}")


@fleet.command("list")
def list_ships():
    """Print the ships."""
    click.echo("\n".join(ships))


@app.shell_context_processor
def names():
    return {"ships": ships}


@app.get("/")
async def index():
    return ships
