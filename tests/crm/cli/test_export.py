"""`crm export` with the options that choose the records of a list."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.crm.conftest import PASSWORD

from .test_cli import CREATE_ADMIN, Crm, crm, ready, upgraded

__all__ = ["crm", "ready", "upgraded"]  # fixtures

ACCOUNTS = """code,name,owner,city
C1,Harbour Inn,a@example.com,Kiel
C2,Harbour Tours,,Bonn
C3,Zoo Shop,a@example.com,Aachen
"""
ORDERS = """number,account,ordered_on,currency
A1,C1,2026-01-03,EUR
A2,C1,2026-01-01,EUR
A3,C2,2026-01-02,EUR
"""
LINES = "order,good,quantity,price\nA1,G1,1,5\nA2,G1,1,5\nA3,G1,1,5\nA1,G1,2,5\n"
FILES = {"accounts": ACCOUNTS, "goods": "code,name,price\nG1,Rope,5\n", "orders": ORDERS}


@pytest.fixture
def filled(ready: Crm, tmp_path: Path) -> Crm:
    """Run a command where an administrator has accounts, and accounts have orders."""
    ready(*CREATE_ADMIN, stdin=PASSWORD)
    for kind, text in {**FILES, "lines": LINES}.items():
        (tmp_path / f"{kind}.csv").write_text(text)
    for kind in FILES:
        lines = ["--lines", str(tmp_path / "lines.csv")] if kind == "orders" else []
        done = ready("import", kind, str(tmp_path / f"{kind}.csv"), *lines)
        assert done.exit_code == 0, done.stderr
    return ready


def column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


@pytest.mark.feature("AP3")
@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ("", "C1 C2 C3"),
        ("--sort -name", "C3 C2 C1"),
        ("--search harbour --sort city", "C2 C1"),
        ("--filter owner=none", "C2"),
        ("--filter owner=me --as a@example.com", "C1 C3"),
        ("--search harbour --filter owner=1", "C1"),
        ("--filter archived=1", ""),
    ],
)
def test_a_list_is_exported(filled: Crm, tmp_path: Path, options: str, codes: str) -> None:
    file = tmp_path / "out.csv"

    done = filled("export", "accounts", str(file), *options.split())

    assert done.exit_code == 0, done.stderr
    assert column(file, "code") == codes.split()


def test_the_lines_are_those_of_the_chosen_orders(filled: Crm, tmp_path: Path) -> None:
    file, lines = tmp_path / "out.csv", tmp_path / "out-lines.csv"
    options = ["--filter", "account=Harbour Inn", "--sort", "date"]

    done = filled("export", "orders", str(file), "--lines", str(lines), *options)

    assert done.exit_code == 0, done.stderr
    assert column(file, "number") == ["A2", "A1"]
    assert column(lines, "order") == ["A2", "A1", "A1"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            "--filter colour=red",
            "colour: There is no filter 'colour'. Choose from: owner,",
        ),
        ("--filter owner", "--filter 'owner' is not NAME=VALUE. Example: owner=none."),
        ("--filter sort=name", "--filter 'sort=name' is not NAME=VALUE."),
        ("--filter owner=ada", "owner: 'ada' is neither a number nor one of: me, none."),
        ("--filter owner=me", "owner: 'me' needs a user."),
        ("--filter created_from=soon", "created_from: Enter a date as YYYY-MM-DD."),
        ("--sort size", "sort: 'size' is not one of: name, code, city"),
        ("--view 1", "view: A saved view needs a user."),
        ("--view 1 --as a@example.com", "There is no such view."),
        ("--search x --as b@example.com", "There is no user 'b@example.com'."),
    ],
)
def test_refusals_name_the_option_and_leave_no_file(
    filled: Crm, tmp_path: Path, options: str, problem: str
) -> None:
    done = filled("export", "accounts", str(tmp_path / "out.csv"), *options.split())

    assert done.exit_code == 1
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert not [*tmp_path.glob("out*")]
