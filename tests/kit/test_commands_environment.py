"""Environment files: the real environment wins, then ``.env``, then ``.flaskenv``."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from quarterdeck.commands import load_environment
from quarterdeck.commands.environment import WithEnvironment, file_variables


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DECK_REAL", "DECK_BOTH", "DECK_FLASK"):
        monkeypatch.setenv(name, "")  # so that monkeypatch takes back what the files set
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.feature("C4")
def test_order_of_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECK_REAL", "real")
    (folder / ".env").write_text("DECK_REAL=env\nDECK_BOTH=env\n")
    (folder / ".flaskenv").write_text("DECK_REAL=flask\nDECK_BOTH=flask\nDECK_FLASK=flask\n")

    load_environment()

    found = [os.environ.get(name) for name in ("DECK_REAL", "DECK_BOTH", "DECK_FLASK")]
    assert found == ["real", "env", "flask"]


def test_no_files_is_fine() -> None:
    load_environment()

    assert "DECK_BOTH" not in os.environ


@pytest.mark.parametrize(("skip", "shown"), [("", "env"), ("1", "")])
def test_a_program_reads_the_files_unless_told_not_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch, skip: str, shown: str
) -> None:
    (folder / ".env").write_text("DECK_BOTH=env\n")
    monkeypatch.setenv("QUART_SKIP_DOTENV", skip)
    program = WithEnvironment()

    @program.command()
    def show() -> None:
        click.echo(os.environ.get("DECK_BOTH", ""))

    assert CliRunner().invoke(program, ["show"]).output == f"{shown}\n"


def test_a_quartenv_further_up_is_named_as_the_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".quartenv").write_text("DECK_BOTH=quart\n")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")

    load_environment()

    assert file_variables() == {"DECK_BOTH": ".quartenv"}
