"""The start of a supervisor: what stops it, what is checked, and what is ready before the fork."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from quarterdeck.serving.command import serve

from .supervised import APP, SECONDS, gone, start, supervised

pytestmark = pytest.mark.feature("AP6")


async def failed(folder: Path, *options: str, config: str = "") -> str:
    """Return the words of a supervisor that cannot start."""
    process = start(folder, "--bind", "127.0.0.1:0", *options, config=config)
    assert await asyncio.to_thread(process.wait, SECONDS) == 1
    return (folder / "log").read_text()


@pytest.mark.parametrize("mode", [(), ("--spawn",)], ids=["fork", "spawn"])
@pytest.mark.hazard("One worker failing at start-up ends all")
async def test_a_failing_start_is_told_once(tmp_path: Path, mode: tuple[str, ...]) -> None:
    (tmp_path / "app.py").write_text("raise ValueError('no such luck')")
    said = await failed(tmp_path, "--workers", "3", *mode)
    assert said.count("ValueError: no such luck") == 1
    assert "Running on" not in said


async def test_a_failing_lifespan_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        APP + "\n@app.before_serving\nasync def fail():\n    raise ValueError('no such luck')\n"
    )
    said = await failed(tmp_path, "--workers", "2")
    assert "No worker can start" in said
    assert "no such luck" in said


CHECKED = """
import sys
from quarterdeck.serving import Plan, start

plan = Plan("app:app", settings={"bind": [sys.argv[2]]}, workers=2, check="app:check")
start(plan, spawn="--spawn" in sys.argv)
"""


@pytest.mark.parametrize("mode", [(), ("--spawn",)], ids=["fork", "spawn"])
async def test_a_replacement_needs_no_check_and_a_reload_does(
    tmp_path: Path, mode: tuple[str, ...]
) -> None:
    """As while the database is already migrated for the next version."""
    check = """

async def check(app):
    if os.path.exists("migrated"):
        raise RuntimeError("The tables are of another version.")
"""
    (tmp_path / "app.py").write_text(APP + check)
    async with supervised(tmp_path, *mode, command=("-c", CHECKED)) as server:
        before = await server.workers(2)
        (tmp_path / "migrated").touch()
        os.kill(min(before), signal.SIGKILL)
        await gone({min(before)})
        after = await server.workers(2)
        assert max(before) in after

        server.signal(signal.SIGHUP)
        await server.said("The reload is given up")
        assert "The tables are of another version." in server.log
        assert await server.workers(2) == after


async def test_a_worker_that_fails_now_and_then_is_tried_again(tmp_path: Path) -> None:
    flaky = APP + (
        "\n@app.before_serving\nasync def fail():\n"
        "    try:\n        open('failed', 'x').close()\n"
        "    except FileExistsError:\n        return\n"
        "    raise ValueError('this time only')\n"
    )
    (tmp_path / "app.py").write_text(flaky)
    async with supervised(tmp_path) as server:
        assert len(await server.workers(2)) == 2
        assert "this time only" in server.log


@pytest.mark.parametrize(
    ("options", "config", "words"),
    [
        (
            ("--workers", "2"),
            "workrs = 2",
            "'workrs' in '.*hypercorn.toml' is unknown. Did you mean 'workers'",
        ),
        (
            ("--workers", "2"),
            'backlog = "many"',
            "'backlog' in '.*' is 'many'. Give a value of type int",
        ),
        (("--workers", "2"), "backlog =", "is not TOML"),
        ((), "workers = 0", "'workers' in '.*' is 0. Give a number from 1 to 1024"),
        ((), "graceful_timeout = -1", "'graceful_timeout' in '.*' is -1. Give a number from 0"),
        ((), "keep_alive_timeout = nan", "'keep_alive_timeout' in '.*' is nan"),
        ((), "accesslog = true", "'accesslog' in '.*' is True"),
    ],
)
async def test_a_configuration_that_cannot_work(
    tmp_path: Path, options: tuple[str, ...], config: str, words: str
) -> None:
    said = await failed(tmp_path, *options, config=config)
    assert "Traceback" not in said
    assert re.search(words, said), said


def test_a_number_of_workers_that_no_machine_has() -> None:
    said = CliRunner().invoke(serve, ["app", "--workers", "9" * 20])
    assert said.exit_code == 2
    assert "is not in the range 1<=x<=1024" in said.output


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_an_address_in_use(tmp_path: Path, workers: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        process = start(tmp_path, "--bind", bind, "--workers", workers)
        assert await asyncio.to_thread(process.wait, SECONDS) == 1
    said = (tmp_path / "log").read_text()
    assert f"'{bind}' cannot be listened on: Address already in use." in said
    assert "Traceback" not in said


async def test_an_app_that_starts_a_thread_cannot_be_forked(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, name='ticker', daemon=True).start()\n"
        + APP
    )
    said = await failed(tmp_path, "--workers", "2")
    assert "starts a thread (ticker) when it is imported" in said
    async with supervised(tmp_path, "--spawn") as server:
        assert len(await server.workers(2)) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_secret_key_that_everybody_knows_is_refused(tmp_path: Path, workers: str) -> None:
    (tmp_path / "app.py").write_text(APP + "\napp.secret_key = 'change me'\n")
    said = await failed(tmp_path, "--workers", workers)
    assert said.count("'SECRET_KEY' is one that everybody knows. Set it to the output of") == 1
    (tmp_path / "app.py").write_text(APP + "\napp.secret_key = 'dev'\napp.debug = True\n")
    async with supervised(tmp_path) as server:
        await server.get()


async def test_data_in_memory_refuses_several_workers(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP + "\nfrom quarterdeck.sockets import Hub\nHub(app)\n")
    said = await failed(tmp_path, "--workers", "2")
    assert "2 workers cannot serve: 'SOCKETS_BACKEND' keeps data in the memory of one" in said


async def test_templates_are_compiled_before_the_fork(tmp_path: Path) -> None:
    """Once for all workers; a wrong one fails the request that uses it."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ 6 * 7 }}")
    (tmp_path / "templates" / "wrong.html").write_text("{% if %}")
    (tmp_path / "templates" / "picture.html").write_bytes(b"\xff\xfe")
    (tmp_path / "app.py").write_text(
        APP
        + """
@app.get("/cached")
async def cached():
    return " ".join(name for _, name in app.jinja_env.cache.keys())
"""
    )
    async with supervised(tmp_path) as server:
        assert (await server.get("/cached")).split() == ["page.html"]
    async with supervised(tmp_path, "--spawn") as server:
        assert await server.get("/cached") == ""


async def test_the_supervisor_imports_no_server(tmp_path: Path) -> None:
    """It only watches processes: Quart would double its memory and delay the start."""
    program = (
        "import sys\nimport quarterdeck.serving.supervisor.__main__\n"
        "print({'asyncio', 'h2', 'quart', 'werkzeug'} & sys.modules.keys())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output == b"set()\n"
