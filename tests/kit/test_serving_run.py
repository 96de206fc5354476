"""``serving.run(app)`` at the end of a script, as an author runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.servers import free_port

SCRIPT = """
from quart import Quart

from quarterdeck.serving import run

app = Quart(__name__)


@app.get("/")
async def index():
    return "Ahoy"


@app.after_serving
async def end():
    print("ended", flush=True)


if __name__ == "__main__":
    run(app, bind="127.0.0.1:{port}")
"""


def test_a_script_serves_its_app_until_it_is_stopped(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "app.py").write_text(SCRIPT.replace("{port}", str(port)))
    with subprocess.Popen(
        [sys.executable, "-W", "error", "app.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "http://" in line)  # once it listens
        assert f"http://127.0.0.1:{port}" in said
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text == "Ahoy"

        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)

    assert (process.returncode, output) == (0, "ended\n")
