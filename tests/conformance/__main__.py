"""Run Autobahn's fuzzing client against ``/ws/echo`` of the CRM and judge its report.

Autobahn's test suite is a program for Python 2.7, in an environment of its own::

    virtualenv --python python2.7 autobahn && autobahn/bin/pip install autobahntestsuite
    python -m tests.conformance autobahn/bin/wstest

The server is that of ``crm serve``, but for two keys: some cases send 16 MB in a message, and
those of compression need it offered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from quarterdeck import serving
from quarterdeck_crm import create_app
from quarterdeck_crm.paths import HYPERCORN

CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.*"]
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


async def run(wstest: str, folder: Path, cases: list[str]) -> Path:
    """Serve, run the cases, and return the report."""
    config = serving.Config.from_toml(HYPERCORN)
    config.bind = ["127.0.0.1:0"]
    config.accesslog = None
    config.websocket_max_message_size = 16 * 2**20
    config.websocket_deflate = True
    sockets = config.create_sockets()
    host, port = sockets.insecure_sockets[0].getsockname()
    server = {"agent": "Quarterdeck", "url": f"ws://{host}:{port}/ws/echo"}
    spec = {"outdir": str(folder), "servers": [server], "cases": cases}
    (folder / "spec.json").write_text(json.dumps(spec))

    async def fuzz() -> None:
        words = ("-m", "fuzzingclient", "-s", str(folder / "spec.json"))
        process = await asyncio.create_subprocess_exec(wstest, *words, cwd=folder)
        await process.wait()

    app = create_app("testing", INSTANCE=str(folder / "instance"))
    await serving.serve(app, config, shutdown_trigger=fuzz, sockets=sockets)
    return folder / "index.json"


def judge(report: Path) -> int:
    """Print the figures and what is not good; return the exit code."""
    results = json.loads(report.read_text())["Quarterdeck"]
    for kind in ("behavior", "behaviorClose"):
        print(kind, dict(Counter(each[kind] for each in results.values())))
    lenient = [case for case, each in results.items() if each["behavior"] == "NON-STRICT"]
    print("NON-STRICT:", ", ".join(sorted(lenient)) or "none")
    bad = {
        case: (each["behavior"], each["behaviorClose"])
        for case, each in results.items()
        if not {each["behavior"], each["behaviorClose"]} <= GOOD
    }
    print(f"{len(results)} cases, {len(bad)} not good", bad or "")
    return 1 if bad or not results else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("wstest", help="the program of autobahntestsuite")
    parser.add_argument("cases", nargs="*", default=CASES, help="1.*, 12.1.3 and so on")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(run(str(Path(chosen.wstest).absolute()), Path(folder), chosen.cases))
        return judge(report)


if __name__ == "__main__":
    sys.exit(main())
