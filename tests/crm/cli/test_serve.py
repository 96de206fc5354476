"""``crm serve``: it answers, and it stops when told to."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .test_cli import Crm, crm, environment, ready, upgraded

__all__ = ["crm", "ready", "upgraded"]  # fixtures


pytestmark = pytest.mark.any_database

SERVE = (sys.executable, "-m", "quarterdeck_crm", "serve")


@contextmanager
def served(folder: Path, **more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run ``crm serve`` on a free port until the block ends."""
    process = subprocess.Popen(
        [*SERVE, "--bind", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environment(folder, **more),
    )
    assert process.stderr is not None
    try:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", said)):
            line = process.stderr.readline()
            assert line, f"the server stopped: {said}"
            said += line
        assert "WARNING" not in said, said
        yield process, int(found.group(1))
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.feature("AP6")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_it_is_told_to_stop(ready: Crm, tmp_path: Path, end: signal.Signals) -> None:
    with served(tmp_path) as (process, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/auth/login")
        response = connection.getresponse()
        assert response.status == 200
        response.read()
        connection.close()

        process.send_signal(end)

        assert process.wait(20) == 0


def test_several_workers_need_redis(ready: Crm, tmp_path: Path) -> None:
    done = subprocess.run(
        [*SERVE, "--bind", "127.0.0.1:0", "--workers", "2"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(tmp_path),
    )

    assert done.returncode == 1
    assert "2 workers cannot serve: " in done.stderr
    assert "'RATELIMIT_STORAGE_URI'" in done.stderr
    assert "'SOCKETS_BACKEND'" in done.stderr
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="/proc cannot be written to, by nobody")
@pytest.mark.parametrize(
    ("name", "workers"),
    [
        ("CRM_INSTANCE", "1"),
        ("CRM_ATTACHMENT_FOLDER", "1"),
        ("CRM_IMPORT_FOLDER", "1"),
        ("SECRET_KEY", "1"),
        ("SECRET_KEY", "2"),
    ],
)
def test_a_start_that_cannot_work_is_refused_with_one_sentence(
    ready: Crm, tmp_path: Path, name: str, workers: str
) -> None:
    more = {"SECRET_KEY": "hard to guess string" if name == "SECRET_KEY" else "0123456789" * 4}
    if name != "SECRET_KEY":
        more |= {name: "/proc/self"}
    done = subprocess.run(
        [*SERVE, "--bind", "127.0.0.1:0", "--workers", workers],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(tmp_path, **more),
    )

    assert done.returncode == 1
    assert done.stderr.count(f"'{name}' is ") == 1, done.stderr
    assert "Name a folder that" in done.stderr or "token_urlsafe" in done.stderr
    assert "Traceback" not in done.stderr


def test_address_in_use_is_one_sentence(ready: Crm, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [*SERVE, "--bind", f"127.0.0.1:{taken.getsockname()[1]}"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment(tmp_path),
        )

    assert done.returncode == 1
    assert "Choose another address with --bind" in done.stderr
    assert "Traceback" not in done.stderr
