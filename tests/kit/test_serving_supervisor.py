"""Several workers under a supervisor: killed, hung, replaced, reloaded and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from quarterdeck.serving.supervisor.figures import remove_abandoned
from tests.wire import connected

from .supervised import APP, SECONDS, Supervised, gone, is_running, plain_client, supervised

pytestmark = pytest.mark.feature("AP6")


PAUSE_SECONDS = 0.01  # without one, clients and server would take both cores


class Load:
    """Requests one after the other until it is stopped, and the number that failed."""

    def __init__(self) -> None:
        self.answered = 0
        self.failures: list[str] = []

    async def run(self, server: Supervised, *, keep_alive: bool) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if keep_alive else 0)
        async with plain_client(limits=limits) as client:
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                try:
                    response = await client.get(server.url)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                else:
                    self.answered += 1
                    if response.status_code != 200:
                        self.failures.append(str(response.status_code))


@asynccontextmanager
async def load_on(server: Supervised, clients: int = 4) -> AsyncIterator[Load]:
    load = Load()
    tasks = [
        asyncio.create_task(load.run(server, keep_alive=bool(number % 2)))
        for number in range(clients)
    ]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("mode", [(), ("--spawn",)], ids=["fork", "spawn"])
@pytest.mark.hazard("-w N: kill -9 of one of 3 workers ends the whole service")
async def test_a_killed_worker_is_replaced_while_others_serve(
    tmp_path: Path, mode: tuple[str, ...]
) -> None:
    async with supervised(tmp_path, *mode) as server:
        before = await server.workers(2)
        victim = min(before)
        async with load_on(server) as load:
            os.kill(victim, signal.SIGKILL)
            after = await server.workers(2)
        assert victim not in after
        assert len(after & before) == 1
        assert len(load.failures) <= 4, load.failures  # those that the victim had accepted
        assert f"Worker {victim} was ended by SIGKILL" in server.log
        server.signal(signal.SIGTERM)
        assert await server.ended() == 0
        for pid in after:
            assert (tmp_path / f"after-serving-{pid}").exists()
        await gone(after)


async def test_a_hung_worker_shows_where_and_is_replaced(tmp_path: Path) -> None:
    async with supervised(tmp_path, config="worker_hang_timeout = 2") as server:
        before = await server.workers(2)
        hanging = asyncio.create_task(server.get("/hang"))
        said = await server.said(r"Worker \d+ gave no sign of life for 2 s: it is ended")
        victim = int(said.split()[1])
        assert victim in before
        with pytest.raises(httpx.HTTPError):
            await hanging
        assert victim not in await server.workers(2)
        assert "in hang" in server.log  # the traceback


@pytest.mark.hazard("SIGTERM with several workers: in-flight requests are lost")
async def test_a_stop_answers_requests_and_closes_websockets(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(supervised(tmp_path))
        pids = await server.workers(2)
        wires = [
            await stack.enter_async_context(connected(server.address, "/ws")) for _ in range(6)
        ]
        await stack.enter_async_context(connected(server.address))  # idle
        slow = [asyncio.create_task(server.get(f"/slow?name={number}")) for number in range(8)]
        for number in range(8):
            await server.file(f"slow-{number}")
        server.signal(signal.SIGTERM)
        assert await asyncio.gather(*slow) == ["late but fine"] * 8
        assert [await wire.close_code() for wire in wires] == [1012] * 6
        assert await server.ended() == 0
        await gone(pids)
        assert all((tmp_path / f"after-serving-{pid}").exists() for pid in pids)


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with supervised(tmp_path, config="graceful_timeout = 60") as server:
        slow = asyncio.create_task(server.get("/slow?name=x&seconds=60"))
        await server.file("slow-x")
        server.signal(signal.SIGINT)
        async with asyncio.timeout(SECONDS):
            while True:  # until the listening socket is closed
                try:
                    _, writer = await asyncio.open_connection(*server.address)
                except ConnectionRefusedError:
                    break
                writer.close()
                await asyncio.sleep(0.05)
        server.signal(signal.SIGTERM)
        assert await server.ended() == 1
        with pytest.raises(httpx.HTTPError):
            await slow
        assert "all workers are killed" in server.log


async def test_a_reload_brings_new_code_without_a_failed_request(tmp_path: Path) -> None:
    async with supervised(tmp_path) as server:
        old = await server.workers(2)
        (tmp_path / "app.py").write_text(APP.replace('"one"', '"two two"'))
        async with load_on(server) as load, connected(server.address, "/ws") as wire:
            server.signal(signal.SIGHUP)
            assert await wire.close_code() == 1012
            await gone(old)
            assert (await server.get()).endswith("two two")
        assert load.failures == []
        assert load.answered > 0

        serving = await server.workers(2)
        (tmp_path / "app.py").write_text("raise ValueError('broken for good')")
        server.signal(signal.SIGHUP)
        await server.said("The reload is given up: the workers that serve go on")
        assert server.log.count("ValueError: broken for good") == 1
        assert await server.workers(2) == serving

        (tmp_path / "app.py").write_text(APP.replace('"one"', '"three"'))
        server.signal(signal.SIGHUP)
        await gone(serving)
        assert (await server.get()).endswith("three")


async def test_a_process_that_ends_slowly_is_waited_for(tmp_path: Path) -> None:
    """The one that forked the workers before: a ResourceWarning would be in the log."""
    (tmp_path / "app.py").write_text(APP + "\nimport atexit\natexit.register(time.sleep, 1.5)\n")
    async with supervised(tmp_path) as server:
        old = await server.workers(2)
        server.signal(signal.SIGHUP)
        await gone(old)


@pytest.mark.hazard("max_requests resets connections")
async def test_a_worker_is_recycled_without_a_lost_request(tmp_path: Path) -> None:
    async with supervised(tmp_path, config="max_requests = 40") as server:
        old = await server.workers(2)
        async with load_on(server) as load:
            await gone(old)
        assert load.failures == []
        assert load.answered > 40
        assert "has reached max_requests: it is replaced" in server.log


async def test_a_worker_that_takes_too_much_memory_is_recycled(tmp_path: Path) -> None:
    async with supervised(tmp_path, config=f"worker_max_memory = {120 * 2**20}") as server:
        fat = int(await server.get("/grow"))
        await gone({fat})
        assert f"Worker {fat} has reached worker_max_memory: it is replaced" in server.log


async def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    async with supervised(tmp_path) as server:
        pids = await server.workers(2)
        server.process.kill()
        await gone(pids)
        assert all((tmp_path / f"after-serving-{pid}").exists() for pid in pids)


async def test_the_metrics_of_a_killed_server_are_removed_by_the_next(tmp_path: Path) -> None:
    """Those of servers that run stay, also when several start at once."""
    shared = tmp_path / "tmp"
    shared.mkdir()

    def folders() -> set[Path]:
        return set(shared.glob("quarterdeck-metrics-*"))

    async with AsyncExitStack() as stack:

        async def begin(name: str) -> Supervised:
            (tmp_path / name).mkdir()
            return await stack.enter_async_context(supervised(tmp_path / name, TMPDIR=str(shared)))

        killed = await begin("killed")
        [abandoned] = folders()
        pids = await killed.workers(2)
        killed.process.kill()
        await gone(pids)
        assert abandoned.exists()

        await begin("one")
        [kept] = folders()
        assert kept != abandoned
        await asyncio.gather(begin("two"), begin("three"))
        assert kept in folders()
        assert len(folders()) == 3
    assert not folders()


async def test_metrics_stay_while_a_worker_lives(tmp_path: Path) -> None:
    """It may still write to them after its supervisor was killed."""
    shared = tmp_path / "tmp"
    shared.mkdir()
    async with supervised(tmp_path, TMPDIR=str(shared)) as server:
        slow = asyncio.create_task(server.get("/slow?name=a&seconds=4"))
        await server.file("slow-a")
        server.process.kill()
        await server.ended()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(shared))
            await asyncio.to_thread(remove_abandoned)
            assert list(shared.iterdir())
            assert await slow == "late but fine"
            async with asyncio.timeout(SECONDS):
                while list(shared.iterdir()):
                    await asyncio.sleep(0.05)
                    await asyncio.to_thread(remove_abandoned)


async def test_log_files_are_opened_again(tmp_path: Path) -> None:
    async with supervised(tmp_path, config='accesslog = "access.log"') as server:
        log = tmp_path / "access.log"
        await server.get()
        async with asyncio.timeout(SECONDS):
            while "GET /" not in log.read_text():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.01)
        log.rename(tmp_path / "access.log.1")
        server.signal(signal.SIGUSR1)
        async with asyncio.timeout(SECONDS):
            while not log.exists():
                await server.get()


# --- systemd --------------------------------------------------------------------------


async def test_systemd_is_told_and_may_open_the_socket(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        (tmp_path / "app.py").write_text(APP)
        # As systemd does: the socket is file descriptor 3, and LISTEN_PID is the program itself.
        (tmp_path / "activate.py").write_text(
            "import os, sys\n"
            f"os.dup2({listening.fileno()}, 3, inheritable=True)\n"
            "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'}\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'quarterdeck', *sys.argv[1:]])\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "activate.py",
            *("serve", "app:app", "--workers", "2", "--bind", "127.0.0.1:1"),
            cwd=tmp_path,
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"},
            pass_fds=[listening.fileno()],
        )

        async def heard(word: str) -> None:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(SECONDS):
                while word not in (await loop.sock_recv(manager, 4096)).decode().split("\n")[0]:
                    pass

        await heard("READY=1")
        await heard("WATCHDOG=1")
        _, port = listening.getsockname()
        async with plain_client() as client:
            pid = int((await client.get(f"http://127.0.0.1:{port}/")).text.split()[0])
        process.send_signal(signal.SIGHUP)
        await heard("RELOADING=1")
        await heard("READY=1")
        await gone({pid})
        process.terminate()
        await heard("STOPPING=1")
        assert await process.wait() == 0
    assert not is_running(process.pid)
