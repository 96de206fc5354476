"""Commands: async callbacks, contexts, errors, groups."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from quart import Blueprint, Quart, current_app, g

from quarterdeck import app as kit
from quarterdeck._cli import command_scope
from quarterdeck.commands import AppGroup, Commands, async_command
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


@pytest.mark.feature("A6")
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


@pytest.mark.feature("A6")
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


async def test_scope_failing_at_startup_still_closes(app: Quart) -> None:
    held = app.extensions["held"] = _Held()

    @app.before_serving
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with command_scope(app, lifespan=True):
            pass
    assert held.closed == 1
