"""A process with a scheduler, as ``python -m tests.kit.apscheduler.worker FOLDER``.

``settings.json`` in the folder holds the configuration. The process writes a line into
``runs.txt`` for each run of its job, and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from quart import Quart, current_app

from quarterdeck.apscheduler import APScheduler
from quarterdeck.sqlalchemy import SQLAlchemy


def write(line: str) -> None:
    """Append a line, all of it at once, with the time and the process."""
    file = os.open(current_app.config["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{line} {os.getpid()} {time.time():.3f}\n".encode())
    os.close(file)


def tick() -> None:
    """The job: a plain function, so that it may write to a file."""
    write("tick")


def make_app(folder: Path) -> Quart:
    """Return the app of a worker."""
    app = Quart("worker")
    settings: dict[str, Any] = json.loads((folder / "settings.json").read_text())
    app.config.update(settings)
    app.config["RUNS"] = str(folder / "runs.txt")
    if "SQLALCHEMY_DATABASE_URI" in settings:
        db = SQLAlchemy(app)
        app.config["SCHEDULER_SQLALCHEMY"] = lambda: db.engine
    app.config["JOBS"] = [
        {"id": "tick", "func": f"{__name__}:tick", "trigger": "interval", "seconds": 1}
    ]
    APScheduler(app)
    return app


async def main(folder: Path) -> None:
    """Run until SIGTERM."""
    app, stop = make_app(folder), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with app.test_app():
        print("started", flush=True)  # noqa: T201
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
