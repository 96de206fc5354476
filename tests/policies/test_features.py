"""The feature table names every test that proves a row."""

from __future__ import annotations

import re
from pathlib import Path

from tests.policies import features


def test_the_page_is_current() -> None:
    page = features.PAGE.read_text("utf-8")

    examples = features.collect_examples(features.EXAMPLES.read_text("utf-8"))

    assert features.render(page, features.collect(), examples) == page, "run 'make features'"


def test_every_row_has_tests_and_an_example() -> None:
    rows = set(features.rows_of(features.PAGE.read_text("utf-8")))

    assert set(features.collect_examples(features.EXAMPLES.read_text("utf-8"))) == rows
    assert set(features.collect()) == rows


def test_from_flask_shows_the_code_of_each_row() -> None:
    page = (features.PAGE.parent / "from-flask.md").read_text("utf-8")
    section = page.partition("\n## Every row of the feature table\n")[2].partition("\n## ")[0]
    lines = [re.split(r" ?\| ?", line)[1:-1] for line in section.splitlines() if "`" in line]
    assert [row for row, *_ in lines] == features.rows_of(features.PAGE.read_text("utf-8"))
    for row, flask, here, more in lines:
        assert "`" in flask, row
        assert "`" in here or here.startswith("the same"), row
        assert "](" in more, row


def test_every_mark_names_a_row() -> None:
    rows = features.rows_of(features.PAGE.read_text("utf-8"))

    assert len(rows) == len(set(rows))
    assert set(features.collect()) <= set(rows)


def test_every_row_has_a_test() -> None:
    rows = features.rows_of(features.PAGE.read_text("utf-8"))

    assert set(rows) - set(features.collect()) == set()


def test_marks_are_found_on_modules_classes_functions_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "pytestmark = [pytest.mark.feature('A1'), pytest.mark.slow]\n"
        "@pytest.mark.feature('B1', 'B2')\n"
        "class TestAll:\n"
        "    async def test_one(self): ...\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.feature('C1'))])\n"
        "def test_two(x): ...\n"
        "@pytest.mark.feature('D1')\n"
        "def helper(): ...\n"
    )

    found = features.collect(tmp_path)

    assert {row: files["test_some.py"] for row, files in found.items()} == {
        "A1": ["TestAll::test_one", "test_two"],
        "B1": ["TestAll::test_one"],
        "B2": ["TestAll::test_one"],
        "C1": ["test_two"],
    }


def test_a_row_without_tests_is_shown_as_not_yet() -> None:
    page = "| id | feature | here | tests |\n|---|---|---|---|\n| E1 | mail | soon | 7 |\n"
    page += "| E2 | queue | now | |\n"

    found: features.Found = {"E2": {"kit/test_mail.py": ["test_queue"]}}
    table = "| [mail.py](../examples/mail.py) | text | `[mail]` | E2 E3 |\n"
    rendered = features.render(page, found, features.collect_examples(table))

    assert "| E1 | mail | soon | not yet |\n| E2 | queue | now | 1 |\n" in rendered
    assert "2 rows: tests name 1 of them, 1 have no test yet." in rendered
    assert "- [kit/test_mail.py](../tests/kit/test_mail.py): `test_queue`" in rendered
    assert "**E2**: 1; [mail.py](../examples/mail.py)\n" in rendered
    assert features.render(rendered, {}, {}).count("not yet") == 4
