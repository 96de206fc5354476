"""What each addition costs: access log, `Logging`, headers, rate limits, the supervisor.

Run ``python -m bench.additions``. One process of ``quarterdeck serve`` each that answers a text;
lines of the log go to a file, and are measured without a server as well.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import hello
from bench.side_by_side import PYTHON, Peer, compare


def with_logging() -> Any:
    from quarterdeck.logging import Logging

    app = hello.ours()
    Logging(app)
    return app


def with_headers() -> Any:
    from quarterdeck.security import Security

    app = hello.ours()
    Security(app)
    return app


def with_limits() -> Any:
    from quarterdeck.security.limits import Limiter

    app = hello.ours()
    app.config["RATELIMIT_DEFAULT"] = "1000000000/hour"
    Limiter(app)
    return app


def _peer(folder: Path, name: str, target: str, *keys: str, workers: int = 1) -> Peer:
    file = folder / f"{name.replace(' ', '-')}.toml"
    file.write_text("\n".join(('errorlog = "/dev/null"', *keys)))
    command = [PYTHON, "-m", "quarterdeck", "serve", target, "--config", str(file)]
    return Peer(name, [*command, "--bind", "127.0.0.1:{port}", "--workers", str(workers)])


REQUEST: Any = {
    "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/text",
    "query_string": b"", "client": ("127.0.0.1", 5000), "headers": [],
}  # fmt: skip
RESPONSE: Any = {"status": 200, "headers": [(b"content-length", b"5")]}
LINES = 100_000
AT_ONCE = 50


def lines(folder: Path) -> None:
    """Print the CPU time of a line, without a server: less than the noise of a server's."""
    from quarterdeck._logs import setup
    from quarterdeck.serving import Config

    async def write(log: Any) -> None:
        for number in range(LINES):
            await log.access(REQUEST, RESPONSE, 0.001)
            if number % AT_ONCE == 0:
                log.flush()

    for name in ("text", "json"):
        setup(name)
        config = Config()
        config.accesslog, config.errorlog = str(folder / f"{name}-lines.log"), None
        before = time.process_time()
        asyncio.run(write(config.log))
        microseconds = (time.process_time() - before) / LINES * 1e6
        print(f"a line of the access log, {name}: {microseconds:.1f} us of CPU")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines(folder)
        text = (f'accesslog = "{folder}/text.log"', 'log_format = "text"')
        json = (f'accesslog = "{folder}/json.log"', 'log_format = "json"')
        plain = "bench.hello:ours()"
        compare(
            [
                _peer(folder, "no access log", plain),
                _peer(folder, "access log, text", plain, *text),
                _peer(folder, "access log, JSON", plain, *json),
                _peer(folder, "the same and Logging", "bench.additions:with_logging()", *json),
                _peer(folder, "Security: headers", "bench.additions:with_headers()"),
                _peer(folder, "Limiter: one rate", "bench.additions:with_limits()"),
                _peer(folder, "supervisor, 2 workers", plain, workers=2),
            ],
            ["/text"],
        )


if __name__ == "__main__":
    main()
