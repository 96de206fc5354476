"""Programs of commands, the list of routes, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner
from quart import Blueprint, Quart, current_app
from quart.views import MethodView

from quarterdeck._marks import ACCESS
from quarterdeck.commands import CommandEntry, Commands, create_group
from quarterdeck.commands.url_rules import route_table
from quarterdeck.exceptions import (
    ConfigurationError,
)


class TestProgram:
    def test_lists_and_runs_the_commands_of_the_app(self) -> None:
        built: list[Quart] = []

        def create_app() -> Quart:
            app = Quart("crm")
            Commands(app)

            @app.cli.command()
            async def demo() -> None:
                """Fill the database."""
                click.echo(current_app.name)

            built.append(app)
            return app

        program = create_group(create_app, help="The harbour office.")
        listing = CliRunner().invoke(program, ["--help"]).output
        assert "The harbour office." in listing
        assert "demo    Fill the database." in listing
        assert "shell" in listing
        assert "routes" in listing
        assert CliRunner().invoke(program, ["demo"]).output == "crm\n"
        assert len(built) == 2

    def test_entries_list_commands_without_an_app(self) -> None:
        def create_app() -> Quart:
            built.append(app := Quart("crm"))
            app.cli.command("demo")(lambda: click.echo("done"))
            return app

        built: list[Quart] = []
        entries = {
            "demo": CommandEntry("Fill the database."),
            "config": CommandEntry("Another one."),
            "map": CommandEntry("Show every route.", "quarterdeck.commands:routes"),
        }
        program = create_group(create_app, entries=entries)
        run = CliRunner().invoke
        listing = run(program, ["--help"]).stdout
        assert "demo    Fill the database." in listing
        assert "map     Show every route." in listing
        assert "Show HEAD" in run(program, ["map", "--help"]).output
        assert built == []
        assert run(program, ["demo"]).output == "done\n"
        assert run(program, ["sail"]).exit_code == 2

    def test_own_commands_are_listed_as_they_say(self) -> None:
        program = create_group(lambda: Quart("crm"))
        context = program.make_context("crm", ["routes"])
        for name, entry in program.own.items():
            command = program.get_command(context, name)
            assert command
            assert (command.name, command.get_short_help_str(200)) == (name, entry.summary)

    def test_unknown_command(self) -> None:
        result = CliRunner().invoke(create_group(lambda: Quart("crm")), ["sail"])
        assert result.exit_code == 2
        assert "No such command 'sail'" in result.stderr

    def test_app_that_refuses_to_be_built(self) -> None:
        def create_app() -> Quart:
            raise ConfigurationError("SECRET_KEY", "is missing", "Set it.")

        program = create_group(create_app)
        sentence = "Error: 'SECRET_KEY' is missing. Set it.\n"
        helped = CliRunner().invoke(program, ["--help"])
        assert helped.exit_code == 0
        assert sentence in helped.stderr
        assert "routes" in helped.stdout
        for command in ("demo", "routes", "shell"):
            failed = CliRunner().invoke(program, [command])
            assert (failed.exit_code, failed.stderr) == (1, sentence)


@pytest.mark.feature("R8", "L1")
class TestRoutes:
    @pytest.fixture(name="program")
    def _program(self) -> click.Group:
        app = Quart("harbour", static_folder=None)
        app.add_url_rule("/boats/<int:id>", "boat", lambda id: "", methods=["GET", "POST"])
        app.add_url_rule("/", "index", lambda: "")
        app.add_websocket("/ws", "feed", lambda: None)
        app.add_url_rule("/", "admin", lambda: "", subdomain="admin")
        return create_group(lambda: app)

    def test_table(self, program: click.Group) -> None:
        assert CliRunner().invoke(program, ["routes"]).output.splitlines() == [
            "rule             methods    endpoint",
            "---------------  ---------  --------",
            "/                GET        index",
            "/boats/<int:id>  GET, POST  boat",
            "/ws              WEBSOCKET  feed",
            "admin|/          GET        admin",
        ]

    def test_sorted_by_endpoint_with_all_methods(self, program: click.Group) -> None:
        output = CliRunner().invoke(program, ["routes", "-s", "endpoint", "--all-methods"]).output
        assert [line.split()[-1] for line in output.splitlines()[2:]] == [
            "admin",
            "boat",
            "feed",
            "index",
        ]
        assert "GET, HEAD, OPTIONS, POST" in output

    def test_access_where_views_declare_it(self) -> None:
        app = Quart("harbour", static_folder=None)
        for name, access in {
            "a": SimpleNamespace(public=True, roles=(), permissions=()),
            "b": SimpleNamespace(public=False, roles=(), permissions=()),
            "c": SimpleNamespace(public=False, roles=("Admin",), permissions=("sail",)),
            "d": None,
        }.items():
            view_class: Any = type(name, (MethodView,), {"get": lambda self: ""})
            view = view_class.as_view(name)
            if access is not None:
                ACCESS.put(view_class, access)
            app.add_url_rule(f"/{name}", view_func=view)
        blueprint = Blueprint("crew", __name__, static_folder="static", url_prefix="/e")
        blueprint.add_url_rule("/", "mess", lambda: "")
        ACCESS.put(blueprint, SimpleNamespace(public=False, roles=("Crew",), permissions=()))
        app.register_blueprint(blueprint)
        rows = sorted(route_table(app), key=lambda row: row["rule"])
        assert [row["access"] for row in rows] == [
            "public",
            "signed in",
            "Admin, sail",
            "",
            "Crew",
            "",
        ]
        output = CliRunner().invoke(create_group(lambda: app), ["routes"]).output
        assert ["/c", "GET", "c", "Admin,", "sail"] in [
            line.split() for line in output.splitlines()
        ]


PROGRAM = """
import asyncio, click
from quart import Quart
from quarterdeck.commands import Commands

app = Quart("harbour")
Commands(app)

@app.teardown_appcontext
async def teardown(error):
    print("teardown", type(error).__name__, flush=True)

@app.cli.command()
async def wait():
    print("waiting", flush=True)
    try:
        await asyncio.sleep(30)
    finally:
        await asyncio.sleep(0)
        print("cleaned up", flush=True)

@app.cli.command()
def block():
    import time
    print("waiting", flush=True)
    time.sleep(30)
"""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("wait", "cleaned up\nteardown KeyboardInterrupt\n"),
        ("block", "teardown KeyboardInterrupt\n"),
    ],
)
def test_ctrl_c_cleans_up_and_exits_130(tmp_path: Path, command: str, said: str) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "quart", command],
        cwd=tmp_path,
        env=os.environ | {"QUART_SKIP_DOTENV": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, said, "Aborted!")
