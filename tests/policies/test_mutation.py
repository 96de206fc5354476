"""The changes that the mutation tool makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import ROOT, mutants


def changes(source: str) -> list[str]:
    return [changed for _, changed in mutants(source)]


WAITING = """
import os, signal

def test_waits():
    with open(os.environ["FIFO"], "w") as fifo:
        fifo.write(str(os.getpid()))
    signal.pause()
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if a:\n    b()", ["if not a:\n    b()", "if a:\n    pass"]),
        ("while not a:\n    pass", ["while a:\n    pass"]),
        ("f = [a for a in b if a]", ["pass", "f = [a for a in b if not a]"]),
        ("f(a and b)", ["pass", "f(a or b)"]),
        ("f(a < 1)", ["pass", "f(a <= 1)", "f(a < 2)"]),
        ("f(True, 'a')", ["pass", "f(False, 'a')", "f(True, 'ax')"]),
        ("def f():\n    return a", ["def f():\n    return"]),
        ("def f(a: 'int') -> 'int':\n    'Docs.'", []),
        ("if TYPE_CHECKING:\n    a = 1", []),
    ],
)
def test_each_change_is_made_alone(source: str, expected: list[str]) -> None:
    assert [change for change in changes(source) if "not TYPE_CHECKING" not in change] == expected


def test_the_line_is_that_of_the_source() -> None:
    assert [line for line, _ in mutants("# a comment\n\nf(a == b)")] == [3, 3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_neither_files_nor_tests_behind(number: int, tmp_path: Path) -> None:
    (test := tmp_path / "test_waits.py").write_text(WAITING)
    (folder := tmp_path / "temporary").mkdir()
    os.mkfifo(fifo := tmp_path / "fifo")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.mutation", "src/quarterdeck/_marks.py", str(test)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder), "FIFO": str(fifo)},
    )
    child = int(fifo.read_text())  # its test is running now
    assert list(folder.iterdir())
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert not list(folder.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
