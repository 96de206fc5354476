"""Move a public Flask app with 'quarterdeck port', and print a row of the table in docs/port.md."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

VERSIONS = (
    "import sys\n"
    "try:\n    from importlib.metadata import version\n"
    "except ImportError:\n"
    "    import pkg_resources\n"
    "    version = lambda name: pkg_resources.get_distribution(name).version\n"
    "print(sys.version.split()[0], version('flask'))"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", help="the folder of the app")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the app")
    parser.add_argument("--tests", default="", help="the command of its tests")
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        report = Path(scratch, "report")
        command = [sys.executable, "-m", "quarterdeck", "port", options.app, "--check"]
        command += ["--python", options.python, "--report", str(report)]
        command += ["--tests", options.tests] if options.tests else []
        started = time.monotonic()
        done = subprocess.run(command, check=False)
        seconds = time.monotonic() - started
        if not report.exists():
            sys.exit(done.returncode or 1)
        print(row(options.app, options.python, report.read_text("utf-8"), seconds))


def row(app: str, python: str, report: str, seconds: float) -> str:
    """Return the row of an app in the table of docs/port.md."""
    versions = subprocess.run(
        [python, "-c", VERSIONS], capture_output=True, text=True, check=True
    ).stdout.split()
    passed = re.search(r"(\d+) of (\d+) tests pass", report)
    awaits = re.search(r"; (\d+) awaits", report)
    proofs = [
        f"equal ({found[2]})" if found[1] == "equal" else found[1]
        for found in re.finditer(r"^  .*: (equal|\d+ differences) \((\d+) compared\)", report, re.M)
    ]
    cells = [
        Path(app).resolve().name,
        f"Python {versions[0]}, Flask {versions[1]}",
        " of ".join(passed.groups()) if passed else "-",
        awaits[1] if awaits else "0",
        *[*proofs, "-", "-", "-"][:3],
        f"{seconds:.0f} s",
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
