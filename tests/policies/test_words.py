"""Docstrings, pages and templates keep within the counts of plain English."""

from __future__ import annotations

import pytest

from tests.policies import words


@pytest.fixture(scope="module")
def counted() -> dict[str, words.Tally]:
    found = words.count(words.ROOT / name for name in words.DEFAULT)
    return {kind: words.total(tallies.values()) for kind, tallies in found.items()}


@pytest.mark.parametrize("name", words.LIMITS)
@pytest.mark.parametrize("kind", words.READERS)
def test_plain_words(kind: str, name: str, counted: dict[str, words.Tally]) -> None:
    """``python -m tests.policies.words`` lists the lines to rewrite."""
    assert counted[kind].per_thousand(name) <= words.LIMITS[name]


def test_the_pages_are_counted(counted: dict[str, words.Tally]) -> None:
    assert counted["docs"].words > 5_000


def test_docstrings_are_read_with_their_lines() -> None:
    source = '"""First.\n\nWhat follows."""\n\n\ndef f():\n    """Whose, ``who``."""\n    "what"\n'

    tally = words.read_docstrings(source)

    assert tally.found == {"what": 1, "who": 1, "anew": 0, "nobody": 0}
    assert tally.lines == [(3, "What follows."), (7, "Whose,  .")]
    assert tally.words == 4


def test_pages_are_read_without_code() -> None:
    tally = words.read_page(
        "# Somebody\n\n```console\n$ who\n```\n\nTry anew, `what` and [nobody](#who).\n"
    )

    assert tally.found == {"what": 0, "who": 0, "anew": 1, "nobody": 2}
    assert [line for line, _ in tally.lines] == [1, 7]


def test_templates_are_read_without_markup() -> None:
    source = '<p class="what">{{ who }}{# anew #}\n{% set nobody %}What<script>who()</script></p>'

    tally = words.read_template(source)

    assert tally.found == {"what": 1, "who": 0, "anew": 0, "nobody": 0}
    assert tally.lines == [(2, "What")]
