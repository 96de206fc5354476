"""Commands: async callbacks, contexts, errors, groups, routes."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from quart import Blueprint, Quart, current_app, g
from quart.views import MethodView

from quarterdeck import app as kit
from quarterdeck._cli import command_scope
from quarterdeck.commands import AppGroup, Commands, async_command, create_group
from quarterdeck.commands.routes import route_table
from quarterdeck.exceptions import (
    CommandInLoopError,
    ConfigurationError,
    ExtensionAlreadyInitializedError,
)


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("harbour")
    Commands(app, expected=(LookupError,))
    return app


def invoke(app: Quart, *args: str, **kwargs: Any) -> Result:
    result: Result = app.test_cli_runner().invoke(args=list(args), **kwargs)
    return result


@pytest.mark.feature("L2")
@pytest.mark.hazard("async commands never awaited")
def test_async_command_is_awaited(app: Quart) -> None:
    @app.cli.command()
    @click.argument("name")
    @click.option("--times", default=1, help="How often.")
    async def greet(name: str, times: int) -> None:
        """Say hello to NAME."""
        await asyncio.sleep(0)
        click.echo(f"Hello, {name}" * times)

    assert invoke(app, "greet", "Ada", "--times", "2").output == "Hello, AdaHello, Ada\n"
    assert "Say hello to NAME." in invoke(app, "greet", "--help").output
    assert "How often." in invoke(app, "greet", "--help").output
    assert invoke(app, "greet").exit_code == 2


@pytest.mark.hazard("async commands never awaited")
def test_bare_quart_never_awaits_an_async_command() -> None:
    """The fact itself; when it fails, Quart has learnt it."""
    app, ran = Quart("bare"), []

    @app.cli.command()
    async def work() -> None:
        ran.append(1)

    def invoke_and_forget() -> None:
        invoke(app, "work")
        gc.collect()

    with pytest.warns(RuntimeWarning, match="never awaited"):
        invoke_and_forget()
    assert not ran


@pytest.mark.hazard("app.cli.command without app context")
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_command_has_app_context(app: Quart, kind: str) -> None:
    def plain() -> None:
        g.seen = current_app.name
        click.echo(g.seen)

    async def asynchronous() -> None:
        plain()

    app.cli.command("work")(plain if kind == "plain" else asynchronous)
    assert invoke(app, "work").output == "harbour\n"


def test_command_without_app_context_by_request(app: Quart) -> None:
    @app.cli.command(with_appcontext=False)
    async def work() -> None:
        click.echo(str(bool(current_app)))

    assert invoke(app, "work").output == "False\n"


@pytest.mark.hazard("asyncio.run fails inside with_appcontext")
def test_plain_command_may_run_a_loop_of_its_own(app: Quart) -> None:
    async def name() -> str:
        return current_app.name

    @app.cli.command()
    def work() -> None:
        click.echo(asyncio.run(name()))

    assert invoke(app, "work").output == "harbour\n"


def test_decorator_needs_no_parentheses_and_sees_the_click_context(app: Quart) -> None:
    @app.cli.command
    @click.pass_context
    async def work(ctx: click.Context) -> None:
        click.echo(ctx.info_name)

    assert invoke(app, "work").output == "work\n"


def test_teardown_runs_in_the_task_of_the_command_and_sees_its_error(app: Quart) -> None:
    tasks: list[Any] = []
    errors: list[BaseException | None] = []

    @app.teardown_appcontext
    async def note(error: BaseException | None) -> None:
        tasks.append(asyncio.current_task())
        errors.append(error)

    @app.cli.command()
    async def good() -> None:
        tasks.append(asyncio.current_task())

    @app.cli.command()
    async def bad() -> None:
        raise ZeroDivisionError

    invoke(app, "good")
    assert tasks[0] is tasks[1]
    result = invoke(app, "bad")
    assert errors == [None, result.exception]
    assert isinstance(result.exception, ZeroDivisionError)


def test_command_calls_another_in_the_same_context(app: Quart) -> None:
    @app.cli.command()
    async def inner() -> None:
        g.count += 1

    @app.cli.command()
    @click.pass_context
    async def outer(ctx: click.Context) -> None:
        g.count = 1
        await ctx.invoke(inner)
        click.echo(g.count)

    assert invoke(app, "outer").output == "2\n"


async def test_command_in_a_running_loop_is_refused(app: Quart) -> None:
    @app.cli.command()
    async def work() -> None:
        click.echo("done")

    assert isinstance(invoke(app, "work").exception, CommandInLoopError)
    in_thread = await asyncio.to_thread(invoke, app, "work")
    assert in_thread.output == "done\n"


@pytest.mark.parametrize("asked", [True, False])
def test_lifespan_runs_only_when_asked_for(app: Quart, asked: bool) -> None:
    events: list[str] = []
    app.before_serving(lambda: events.append("before"))
    app.after_serving(lambda: events.append("after"))

    @app.while_serving
    async def serving() -> Any:
        async with asyncio.TaskGroup():  # bound to the task that entered it
            yield

    @app.cli.command(lifespan=asked)
    async def work() -> None:
        events.append("work")

    assert invoke(app, "work").exit_code == 0
    assert events == (["before", "work", "after"] if asked else ["work"])


class _Held:
    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


@pytest.mark.parametrize("fails", [True, False])
def test_extensions_are_closed_at_the_end(app: Quart, fails: bool) -> None:
    held = app.extensions["held"] = _Held()

    @app.cli.command()
    async def work() -> None:
        assert held.closed == 0
        if fails:
            raise ZeroDivisionError

    invoke(app, "work")
    assert held.closed == 1


@pytest.mark.parametrize("hook", ["before_serving", "after_serving", "teardown_appcontext"])
def test_failure_of_a_hook_is_the_failure_of_the_command(app: Quart, hook: str) -> None:
    held = app.extensions["held"] = _Held()
    app.logger.disabled = True

    async def fail(*_error: Any) -> None:
        raise ConfigurationError("TIDE", "is out", "Wait.")

    getattr(app, hook)(fail)

    @app.cli.command(lifespan=True)
    async def work() -> None:
        pass

    assert invoke(app, "work").stderr == "Error: 'TIDE' is out. Wait.\n"
    assert held.closed == 1


def test_background_tasks_are_finished(app: Quart) -> None:
    done: list[int] = []

    async def later() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    @app.cli.command()
    async def work() -> None:
        app.add_background_task(later)

    invoke(app, "work")
    assert done == [1]


def test_stuck_background_task_is_cancelled(app: Quart) -> None:
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.01

    @app.cli.command()
    async def work() -> None:
        app.add_background_task(asyncio.sleep, 30)

    assert invoke(app, "work").exit_code == 0


@pytest.mark.parametrize(
    "error", [LookupError("No such boat."), ConfigurationError("A", "b", "C.")]
)
def test_expected_error_is_one_sentence(app: Quart, error: Exception) -> None:
    @app.cli.command()
    async def work() -> None:
        raise error

    result = invoke(app, "work")
    assert (result.exit_code, result.stderr) == (1, f"Error: {error}\n")


def test_unexpected_error_keeps_its_traceback(app: Quart) -> None:
    @app.cli.command()
    async def work() -> None:
        raise ZeroDivisionError

    assert isinstance(invoke(app, "work").exception, ZeroDivisionError)


def test_interrupt_at_a_prompt_is_130_and_end_of_input_is_1(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    @app.cli.command()
    async def work() -> None:
        click.prompt("Name")

    assert invoke(app, "work", input="").exit_code == 1

    @app.cli.command()
    async def ask() -> None:
        monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
        click.prompt("Name")

    assert invoke(app, "ask").exit_code == 130


def test_second_init_app_is_refused(app: Quart) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        Commands(app)


class TestGroups:
    def test_nested_groups(self, app: Quart) -> None:
        @app.cli.group()
        def user() -> None:
            """People."""

        @user.command()
        async def create() -> None:
            click.echo(current_app.name)

        assert isinstance(user, AppGroup)
        assert invoke(app, "user", "create").output == "harbour\n"

    @pytest.mark.parametrize("cli_group", [None, "pier"])
    def test_blueprint_commands(self, app: Quart, cli_group: str | None) -> None:
        bp = Blueprint("pier", __name__, cli_group=cli_group)

        @bp.cli.command()
        async def count() -> None:
            click.echo(current_app.name)

        app.register_blueprint(bp)
        args = ["count"] if cli_group is None else ["pier", "count"]
        assert invoke(app, *args).output == "harbour\n"

    def test_blueprint_command_with_quarts_own_app_context(self, app: Quart) -> None:
        bp = Blueprint("pier", __name__, cli_group=None)

        @bp.cli.command(with_appcontext=True)
        async def count() -> None:
            click.echo(current_app.name)

        app.register_blueprint(bp)
        assert invoke(app, "count").output == "harbour\n"

    def test_async_group_callback(self, app: Quart) -> None:
        @app.cli.group(invoke_without_command=True)
        async def tide() -> None:
            click.echo(current_app.name)

        assert invoke(app, "tide").output == "harbour\n"

    def test_commands_registered_before_init_app(self) -> None:
        app = Quart("early")

        @app.cli.command()
        async def work() -> None:
            click.echo(current_app.name)

        Commands(app)
        assert invoke(app, "work").output == "early\n"

    def test_the_kits_app_and_blueprint_need_no_extension(self) -> None:
        app = kit.Quart("kit")
        bp = kit.Blueprint("pier", __name__)

        @app.cli.command()
        async def work() -> None:
            click.echo(current_app.name)

        @bp.cli.command()
        def count() -> None:
            click.echo(current_app.name)

        app.register_blueprint(bp)
        assert invoke(app, "work").output == "kit\n"
        assert invoke(app, "pier", "count").output == "kit\n"

    def test_standalone_click_group(self) -> None:
        @click.group()
        def cli() -> None:
            pass

        @cli.command()
        @async_command
        async def work() -> None:
            await asyncio.sleep(0)
            click.echo(str(bool(current_app)))

        assert CliRunner().invoke(cli, ["work"]).output == "False\n"

    def test_explicit_decorator_on_a_plain_app(self) -> None:
        app = Quart("plain")

        @app.cli.command()
        @async_command
        async def work() -> None:
            click.echo(current_app.name)

        assert invoke(app, "work").output == "plain\n"

    def test_explicit_options_win_over_the_group(self, app: Quart) -> None:
        @app.cli.command()
        @async_command(app_context=False)
        async def work() -> None:
            click.echo(str(bool(current_app)))

        assert invoke(app, "work").output == "False\n"


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
            view.view_class.__quarterdeck_access__ = access
            app.add_url_rule(f"/{name}", view_func=view)
        rows = route_table(app)
        assert [row["access"] for row in rows] == ["public", "signed in", "Admin, sail", ""]
        output = CliRunner().invoke(create_group(lambda: app), ["routes"]).output
        assert "/c    GET      c         Admin, sail" in output


async def test_scope_failing_at_startup_still_closes(app: Quart) -> None:
    held = app.extensions["held"] = _Held()

    @app.before_serving
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with command_scope(app, lifespan=True):
            pass
    assert held.closed == 1


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
