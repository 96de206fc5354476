"""Pass the tests of the kit on each Python found, with the lowest and the newest dependencies.

``python -m tests.versions.matrix [--bounds lowest] [--pythons 3.11,3.13] [pytest arguments]``, as
used by ``make test-matrix``, ``make test-lowest`` and ``make test-newest``. The files and folders
among the arguments of pytest replace ``tests/kit``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from .lowest import PROJECT, lowest

ROOT = PROJECT.parent
BOUNDS = ("lowest", "newest")
NEWEST_MINOR = 19
TESTS = "tests/kit"
PYTEST = ("-n", "auto", "--dist", "loadfile", "-W", "default")


def lowest_minor() -> int:
    """The minor version of the lowest Python 3 that the distribution declares."""
    declared = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["requires-python"]
    return int(declared.removeprefix(">=3."))


def interpreters() -> dict[str, Path]:
    """Return the Pythons of this machine by version, "3.11" first."""
    found: dict[str, Path] = {}
    for minor in range(lowest_minor(), NEWEST_MINOR + 1):
        version = f"3.{minor}"
        for candidate in _candidates(version):
            if _version_of(candidate) == version:
                found[version] = candidate
                break
    return found


def _candidates(version: str) -> Iterator[Path]:
    if f"{sys.version_info.major}.{sys.version_info.minor}" == version:
        yield Path(sys.executable)
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    for folder in (Path.home() / ".pyenv/versions", Path("/opt/python")):
        yield from sorted(folder.glob(f"{version}.*/bin/python"), reverse=True)


def _version_of(python: Path) -> str | None:
    """Return the version of an interpreter, None if it does not run, as a shim of pyenv."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def install(python: Path, folder: Path, bound: str) -> Path:
    """Make a virtual environment with the kit; return its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", folder], check=True)
    inner = folder / "bin" / "python"
    pip = [str(inner), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lowest()) if bound == "lowest" else "", "utf-8")
    wanted = ["--constraint", str(constraints), "--editable", ".[all]", "--group", "test"]
    subprocess.run([*pip, *wanted], cwd=ROOT, check=True)
    return inner


def quart_of(python: Path) -> str:
    code = "from importlib.metadata import version; print(version('quart'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def split(text: str) -> list[str]:
    """Read a list with commas."""
    return text.split(",")


def bounds(text: str) -> list[str]:
    """Read a list of bounds; raise ArgumentTypeError for any other word."""
    chosen = split(text)
    for bound in chosen:
        if bound not in BOUNDS:
            raise argparse.ArgumentTypeError(f"'{bound}' is not one of {', '.join(BOUNDS)}.")
    return chosen


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Return our own options, and the arguments of pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions.matrix", allow_abbrev=False)
    parser.add_argument("--bounds", type=bounds, default=list(BOUNDS), metavar="BOUND[,BOUND]")
    parser.add_argument(
        "--pythons", type=split, metavar="VERSION[,VERSION]", help="default: all found"
    )
    options, for_pytest = parser.parse_known_args(arguments)
    if not any(word.startswith("tests/") for word in for_pytest):
        for_pytest = [TESTS, *for_pytest]
    return options, for_pytest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests for each pair; return 1 if one of them fails."""
    options, for_pytest = parse(arguments)
    found = interpreters()
    results: list[tuple[str, bool]] = []
    for version in options.pythons or found:
        if version not in found:
            results.append((f"Python {version}: not found on this machine", False))
            continue
        for bound in options.bounds:
            try:
                python = install(found[version], ROOT / f".venv-{bound}-{version}", bound)
            except subprocess.CalledProcessError:  # pip has shown the reason
                name = f"Python {version}, {bound} dependencies"
                results.append((f"{name}: they cannot be installed", False))
                continue
            name = f"Python {version}, {bound} dependencies, Quart {quart_of(python)}"
            print(f"--- {name}", flush=True)
            command = [str(python), "-m", "pytest", *PYTEST, *for_pytest]
            passed = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
            results.append((f"{name}: {'passed' if passed else 'FAILED'}", passed))
    print("\n".join(text for text, _ in results))
    return 0 if results and all(passed for _, passed in results) else 1


if __name__ == "__main__":
    sys.exit(main())
