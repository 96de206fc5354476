"""The shell: top-level await, one task, piped programs, a terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from quart import Quart

from quarterdeck import commands
from quarterdeck.commands import create_group

from .sqlalchemy_app import make_app

pytestmark = pytest.mark.feature("L1")


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("harbour")

    async def depth() -> int:
        await asyncio.sleep(0)
        return 7

    app.shell_context_processor(lambda: {"depth": depth})
    return app


def run_shell(app: Quart, *args: str, **kwargs: Any) -> Result:
    return CliRunner().invoke(create_group(lambda: app), ["shell", *args], **kwargs)


def test_piped_program_takes_await(app: Quart) -> None:
    program = "def twice(x):\n    return 2 * x\n\nprint(app.name, twice(await depth()))\n"
    assert run_shell(app, input=program).output == "harbour 14\n"


def test_text_given_as_option(app: Quart) -> None:
    assert run_shell(app, "-c", "print(await depth())").output == "7\n"


def test_app_context_is_active_and_is_left(app: Quart) -> None:
    left: list[object] = []
    app.teardown_appcontext(left.append)
    program = "from quart import current_app, g\ng.x = 1\nprint(current_app.name, g.x)"
    assert run_shell(app, "-c", program).output == "harbour 1\n"
    assert left == [None]


def test_error_shows_the_lines_of_the_program_only(app: Quart) -> None:
    result = run_shell(app, "-c", "def f():\n    1 / 0\nawait depth()\nf()")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Traceback (most recent call last):",
        '  File "<shell>", line 4, in <module>',
        '  File "<shell>", line 2, in f',
        "ZeroDivisionError: division by zero",
    ]


def test_syntax_error(app: Quart) -> None:
    result = run_shell(app, "-c", "sail away")
    assert result.exit_code == 1
    assert "SyntaxError" in result.stderr


def test_exit_code_of_the_program(app: Quart) -> None:
    assert run_shell(app, "-c", "raise SystemExit(3)").exit_code == 3


def test_database_and_models_are_at_hand(tmp_path: Path) -> None:
    program = """
await db.create_all()
async with db.transaction() as session:
    session.add(User(name="Ada"))
print([user.name for user in await User.query.all()])
"""
    result = run_shell(make_app(tmp_path), input=program)
    assert result.output == "['Ada']\n"


def test_quarts_own_program_gets_this_shell() -> None:
    """Its own knows no ``await``; entry points are where it looks for better ones."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["quart.commands"]
    found = {
        name: EntryPoint(name, value, "quart.commands").load() for name, value in points.items()
    }
    assert found.keys() == {"shell", "routes", "config"}
    assert (found["shell"], found["routes"]) == (commands.shell, commands.routes)


APP = """
import asyncio
from quart import Quart
from quarterdeck.commands import create_group

app = Quart("harbour")

async def task_name():
    return asyncio.current_task().get_name()

app.shell_context_processor(lambda: {"task_name": task_name})
create_group(lambda: app)()
"""


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, folder: Path) -> None:
        (folder / "app.py").write_text(APP)
        self.fd, inner = pty.openpty()
        env = os.environ | {"TERM": "dumb", "HOME": str(folder), "PYTHON_BASIC_REPL": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "shell"],
            cwd=folder,
            env=env,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.seen = ""

    def until(self, done: Callable[[str], bool] | str) -> str:
        """Read until the text is there; return what came since the last call."""
        deadline = time.monotonic() + 20
        while not (done in self.seen if isinstance(done, str) else done(self.seen)):
            assert time.monotonic() < deadline, self.seen
            try:
                self.seen += os.read(self.fd, 4096).decode()
            except OSError:  # the other end is closed
                break
        seen, self.seen = self.seen, ""
        return seen

    def say(self, line: str) -> str:
        os.write(self.fd, line.encode() + b"\n")
        return self.until(lambda seen: seen.endswith((">>> ", "... ")))

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


@pytest.fixture(name="terminal")
def _terminal(tmp_path: Path) -> Any:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.fd)


def test_a_conversation(terminal: Terminal, tmp_path: Path) -> None:
    """One session, because each start costs a second: values, errors, Ctrl-C, history."""
    banner = terminal.until(">>> ")
    assert "app 'harbour'" in banner
    terminal.say("first = await task_name()")
    assert "True" in terminal.say("first == await task_name()")
    assert "ZeroDivisionError" in terminal.say("1 / 0")
    assert "_reply" not in terminal.say("await depth")
    terminal.say("async def f():")
    terminal.say("    return 6 * 7")
    terminal.say("")
    assert "42" in terminal.say("await f()")

    terminal.say("import asyncio, time")
    for endless in (b"await asyncio.sleep(30)\n", b"time.sleep(30)\n"):
        os.write(terminal.fd, b"print('be' + 'gun'); " + endless)
        terminal.until("begun")
        time.sleep(0.1)
        terminal.interrupt()
        assert "KeyboardInterrupt" in terminal.until(">>> ")
    assert "harbour" in terminal.say("app.name")

    os.write(terminal.fd, b"exit()\n")
    assert terminal.process.wait(20) == 0
    assert "await f()" in (tmp_path / ".python_history").read_text()
