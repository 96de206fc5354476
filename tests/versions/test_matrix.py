"""The arguments of the matrix of versions."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import matrix


def test_a_path_is_not_a_bound() -> None:
    options, for_pytest = matrix.parse(["--bounds", "newest", "tests/kit/test_alone.py"])

    assert options.bounds == ["newest"]
    assert for_pytest == ["tests/kit/test_alone.py"]


def test_options_alone_run_all_tests_of_the_kit() -> None:
    options, for_pytest = matrix.parse(["--pythons", "3.11,3.13", "-k", "session"])

    assert options.bounds == ["lowest", "newest"]
    assert options.pythons == ["3.11", "3.13"]
    assert for_pytest == ["tests/kit", "-k", "session"]


def test_a_test_of_a_file_is_a_path() -> None:
    assert matrix.parse(["tests/kit/test_alone.py::test_x"])[1] == [
        "tests/kit/test_alone.py::test_x"
    ]


def test_another_bound_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        matrix.parse(["--bounds", "lowest,newer"])

    assert "'newer' is not one of lowest, newest." in capsys.readouterr().err


def test_a_pair_that_cannot_be_installed_is_reported_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def install(python: Path, folder: Path, bound: str) -> Path:
        if bound == "lowest":
            raise subprocess.CalledProcessError(1, ["pip"])
        return python

    monkeypatch.setattr(matrix, "interpreters", lambda: {"3.11": Path(sys.executable)})
    monkeypatch.setattr(matrix, "install", install)
    monkeypatch.setattr(matrix, "PYTEST", ("--version",))

    assert matrix.main(["tests/versions"]) == 1
    printed = capsys.readouterr().out
    assert "Python 3.11, lowest dependencies: they cannot be installed" in printed
    assert re.search(r"Python 3.11, newest dependencies, Quart [\d.]+: passed", printed)
