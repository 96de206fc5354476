"""The catalogues have every text, with the placeholders of the English one."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages import Catalog
from quart import Quart

from quarterdeck.babel import force_locale
from quarterdeck_crm.languages.words import day_of_month, month, month_name, priority_word
from quarterdeck_crm.web.script_texts import TEXTS

from . import catalogs

REMEDY = "Run 'make texts', then translate them in translations/{}/LC_MESSAGES/messages.po."
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{[^}]*\}|</?\w+[^>]*>")
SCRIPTS = catalogs.ROOT / "static" / "js"
IN_SCRIPT = re.compile(r'"((?:\{name\}|[A-Z][a-z]+)[^"]* [^"]*[.\w}])"|text\("([^"]+)"')


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return catalogs.extracted(tmp_path_factory.mktemp("texts") / "messages.pot")


@pytest.mark.parametrize("code", catalogs.TRANSLATED)
def test_every_text_is_translated(template: Catalog, code: str) -> None:
    catalog = catalogs.read(code)
    wanted = {str(message.id) for message in template if message.id}
    there = {str(message.id) for message in catalog if message.id}
    assert len(wanted) > 800
    assert not sorted(wanted - there), REMEDY.format(code)
    assert not sorted(there - wanted), f"{code} has texts of no page. Run 'make texts'."
    assert not list(catalogs.incomplete(catalog)), REMEDY.format(code)


@pytest.mark.parametrize("code", catalogs.TRANSLATED)
def test_translations_have_the_placeholders_of_the_text(code: str) -> None:
    wrong = []
    for message in catalogs.read(code):
        if not message.id:
            continue
        english = message.id if isinstance(message.id, str) else message.id[1]
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        found = sorted(PLACEHOLDER.findall(str(strings[-1])))
        if found != sorted(PLACEHOLDER.findall(english)):
            wrong.append(f"{english!r}: {strings[-1]!r}")
    assert not wrong


def test_the_texts_of_the_scripts_are_listed() -> None:
    """In ``web/script_texts.py``, which brings them to the page."""
    found = {
        first or second
        for path in SCRIPTS.rglob("*.js")
        for first, second in IN_SCRIPT.findall(_without_comments(path))
    }
    assert found - {"Not available"} == set(TEXTS)


def _without_comments(path: Path) -> str:
    return re.sub(r"^\s*(//|\*|/\*).*$", "", path.read_text("utf-8"), flags=re.M)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("en", ("November 2026", "Nov", "Nov 5", "low")),
        ("de", ("November 2026", "Nov", "5. Nov.", "niedrig")),
        ("zh_Hans", ("2026年11月", "11月", "11月5日", "低")),
    ],
)
async def test_months_and_priorities_are_of_the_language(
    app: Quart, code: str, shown: tuple[str, ...]
) -> None:
    day = date(2026, 11, 5)
    async with app.test_request_context("/"):
        with force_locale(code):
            assert (month(day), month_name(day), day_of_month(day), priority_word(3)) == shown
