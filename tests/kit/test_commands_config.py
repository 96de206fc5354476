"""``quarterdeck config APP``: effective values, their sources, masked secrets, misspelt keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from quarterdeck._masking import is_secret_name, masked
from quarterdeck._redaction import MASK
from quarterdeck.commands.main import LazyGroup

APP = """
from quarterdeck.app import Quart
from quarterdeck.commands import create_group
from quarterdeck.config import ConfigKey, integer, read, text
from quarterdeck.session import Session

def create_app():
    app = Quart(__name__)
    app.config.from_prefixed_env("DECK")
    app.config.update(
        SESSION_COOKIE_NAME="deck",
        SESSION_TYP="redis",
        SECERT_KEY="hidden-in-the-code",
        REDIS_URL="redis://:hidden@word@localhost/0",
        COLOUR="red",
    )
    Session(app)
    read(app, [
        ConfigKey("BERTHS", 12, integer(1), "How many ships."),
        ConfigKey("PILOT", None, text, "The code of the pilot.", secret=True),
        ConfigKey("PAIRING_TOKEN_BYTES", "16", text, "Not secret, in spite of its name."),
    ])
    return app

main = create_group(create_app, name="harbour")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    (tmp_path / "harbour.py").write_text(APP)
    return tmp_path


def run(
    folder: Path, *arguments: str, program: str = "quarterdeck", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def document(folder: Path, **environment: str) -> Any:
    done = run(folder, "config", "harbour:create_app()", "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.feature("C5")
def test_each_value_has_its_source(folder: Path) -> None:
    (folder / ".env").write_text("DECK_PILOT=hidden-pilot\nDECK_BERTHS=3\n")
    (folder / ".flaskenv").write_text("DECK_SESSION_USE_SIGNER=true\n")

    keys = document(folder, DECK_BERTHS="4", DECK_LIMITS__SPEED="5")["keys"]

    assert keys["BERTHS"] == {"value": 4, "source": "environment", "variable": "DECK_BERTHS"}
    assert keys["PILOT"] == {"value": MASK, "source": ".env", "variable": "DECK_PILOT"}
    assert keys["SESSION_USE_SIGNER"]["source"] == ".flaskenv"
    assert keys["LIMITS"] == {"value": {"SPEED": 5}, "source": "environment"} | {
        "variable": "DECK_LIMITS__SPEED"
    }
    assert keys["SESSION_COOKIE_NAME"]["source"] == "configuration"
    assert keys["SESSION_ID_LENGTH"] == {"value": 32, "source": "default", "variable": None}
    assert keys["PAIRING_TOKEN_BYTES"]["value"] == "16"


def test_a_value_that_was_overridden_is_not_from_its_variable(folder: Path) -> None:
    keys = document(folder, DECK_COLOUR="blue", DECK_SESSION_COOKIE_NAME="other")["keys"]

    assert keys["COLOUR"]["source"] == "configuration"
    assert keys["SESSION_COOKIE_NAME"] == {"value": "deck", "source": "configuration"} | {
        "variable": None
    }


def test_a_url_or_secret_is_found_under_another_name(folder: Path) -> None:
    url = "redis://:hidden@word@localhost/0"

    keys = document(folder, CACHE=url, PAINT="red")["keys"]

    assert keys["REDIS_URL"]["variable"] == "CACHE"
    assert keys["COLOUR"]["variable"] is None, "a short text is often the same by chance"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_shown(folder: Path, options: tuple[str, ...]) -> None:
    done = run(
        folder,
        "config",
        "harbour:create_app()",
        *options,
        DECK_SECRET_KEY="hidden-key",
        DECK_PILOT="hidden-pilot",
        DECK_SQLALCHEMY_BINDS='{"log": "mysql+aiomysql://crm:hidden@db/log?ssl_key=hidden"}',
        DECK_MAIL_PASSWORD="hidden-mail",
    )

    assert done.returncode == 0, done.stderr
    assert "hidden" not in done.stdout + done.stderr
    assert "mysql+aiomysql://crm:***@db/log" in done.stdout


def test_misspelt_keys_are_named(folder: Path) -> None:
    assert document(folder, DECK_SESSION_QQQQQQQQ="1")["unknown"] == {
        "SECERT_KEY": "SECRET_KEY",
        "SESSION_QQQQQQQQ": None,
        "SESSION_TYP": "SESSION_TYPE",
    }
    done = run(folder, "config", "harbour:create_app()")
    assert "Warning: 'SESSION_TYP' is not a known key. Did you mean 'SESSION_TYPE'?" in done.stderr
    assert "COLOUR" not in done.stderr


def test_the_table(folder: Path) -> None:
    lines = run(folder, "config", "harbour:create_app()", DECK_BERTHS="4").stdout.splitlines()

    assert lines[0].split() == ["key", "value", "source"]
    assert [line.split(maxsplit=2) for line in lines if line.startswith("BERTHS ")] == [
        ["BERTHS", "4", "environment (DECK_BERTHS)"]
    ]


def test_a_wrong_value_or_app_ends_with_an_error(folder: Path) -> None:
    wrong = run(folder, "config", "harbour:create_app()", DECK_BERTHS="none")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("Error: 'BERTHS' is 'none'.")

    missing = run(folder, "config", "lighthouse:app")
    assert missing.returncode == 2
    assert "lighthouse" in missing.stderr


@pytest.mark.feature("C4")
def test_programs_of_an_app_have_it_too(folder: Path) -> None:
    code = "import sys; from harbour import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "config", "--json"],
        cwd=folder,
        env=os.environ | {"DECK_BERTHS": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["keys"]["BERTHS"]["value"] == 7


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("redis://localhost/0", "redis://localhost/0"),
        ("redis://:p/w@x@localhost", "redis://:***@localhost"),
        ("mysql+aiomysql://root@db/crm", "mysql+aiomysql://root@db/crm"),
        ("https://token@host/1", "https://***@host/1"),
        ("amqp://h/?a=1&password=p&b=2", "amqp://h/?a=1&password=***&b=2"),
        (make_url("mysql://a:p@h/x?auth_token=t"), "mysql://a:***@h/x?auth_token=***"),
        ({"user": "a", "password": "p", "ssl": {"keys": ["k"]}}, None),
        (["redis://:p@h"], ["redis://:***@h"]),
        (timedelta(hours=1), "1:00:00"),
        (object(), "<builtins.object>"),
        (b"raw", "<builtins.bytes>"),
        (None, None),
    ],
)
def test_masks(value: Any, shown: Any) -> None:
    if isinstance(value, dict):
        shown = {"user": "a", "password": MASK, "ssl": {"keys": MASK}}
    assert masked(value) == shown


def test_a_missing_secret_is_visible() -> None:
    assert [masked(each, secret=True) for each in (None, "", "x", 7, ["x"])] == [
        None,
        "",
        MASK,
        MASK,
        MASK,
    ]


def test_secret_names() -> None:
    names = "SECRET_KEY SECRET_KEY_FALLBACKS MAIL_PASSWORD STRIPE_API_KEY DB_PWD AUTH_TOKEN"
    assert all(map(is_secret_name, names.split()))
    assert not any(map(is_secret_name, ["SESSION_KEY_PREFIX", "COMPASS", "SERVER_NAME"]))


def test_the_group_imports_a_command_when_it_is_used() -> None:
    group = LazyGroup({"sail": "no_such_ship:sail"})

    listed = CliRunner().invoke(group, ["--help"])
    assert listed.exit_code == 0
    assert "'no_such_ship'" in listed.output
    failed = CliRunner().invoke(group, ["sail", "--fast", "north"])
    assert failed.exit_code == 1
    assert failed.output.startswith("Error: 'sail' needs 'no_such_ship', which is not installed.")


def test_the_console_script_is_declared() -> None:
    table = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    module, _, name = table["project"]["scripts"]["quarterdeck"].partition(":")

    assert isinstance(getattr(import_module(module), name), click.Group)
    assert table["project"]["entry-points"]["quart.commands"]["config"]
