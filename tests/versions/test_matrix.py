"""The arguments of the matrix of versions."""

from __future__ import annotations

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
