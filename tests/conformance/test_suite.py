"""The runners of the suites of Flask and Quart, with a small suite in the place of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import flask, quart, suite

PAGE = suite.ROOT / "docs" / "from-flask.md"


@pytest.mark.parametrize("file", [flask.DIFFERENCES, quart.DIFFERENCES], ids=lambda each: each.stem)
def test_each_reason_is_on_the_page(file: Path) -> None:
    page = PAGE.read_text("utf-8")

    for reason in suite.read(file):
        assert f" | {reason} |\n" in page


def write_suite(folder: Path, code: str) -> Path:
    (folder / "tests").mkdir()
    (folder / "tests" / "test_x.py").write_text(code)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\nasyncio_mode = "auto"\n')
    return folder


def test_the_suite_of_quart_gets_our_classes(tmp_path: Path) -> None:
    checkout = write_suite(
        tmp_path,
        """
import quart
from quart.testing import QuartClient

async def test_classes():
    app = quart.Quart(__name__)
    modules = {type(app).__module__, QuartClient.__module__, quart.Response.__module__}
    assert all(name.startswith("quarterdeck.") for name in modules)

async def test_wrong():
    assert not quart
""",
    )

    outcomes = suite.run(checkout, "-p", quart.PLUGIN)

    assert outcomes == {
        "test_x.py::test_classes": "PASSED",
        "test_x.py::test_wrong": "FAILED",
    }


def test_the_suite_of_flask_needs_no_await(tmp_path: Path) -> None:
    checkout = write_suite(
        tmp_path,
        """
import flask

def test_view():
    app = flask.Flask(__name__)

    @app.post("/")
    def view():
        return flask.request.form["x y"]

    assert app.test_client().post("/", data={"x y": "1 - 2"}).text == "1 - 2"
    assert isinstance(app, __import__("quarterdeck").app.Quart)
""",
    )

    outcomes = suite.run(checkout, "-p", flask.PLUGIN, "-p", "no:asyncio", "-c", "/dev/null")

    assert outcomes == {"test_x.py::test_view": "PASSED"}


def test_failures_and_reasons_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    failed = ["a.py::test_x[1]", "a.py::test_x[2 - 3]", "a.py::test_y"]
    differences = {"One": ["a.py::test_x"], "Two": ["b.py::*"]}

    problems = suite.compare(failed, differences)

    assert problems == [
        "a.py::test_y: fails without a reason",
        "b.py::*: no test fails, so that it needs no reason",
    ]
    assert "   2  One\n   0  Two\n" in capsys.readouterr().out
