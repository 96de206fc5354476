"""The commands of ``babel``, from the texts in the code to the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from click.testing import CliRunner
from quart import Quart

from quarterdeck.babel import Babel, commands, get_babel
from quarterdeck.commands.main import main
from quarterdeck.commands.program import create_group

CODE = """
from quarterdeck.babel import gettext as _, lazy_gettext as _l, lazy_ngettext, lazy_pgettext
first, second = _("one"), _l("two")
third, fourth = lazy_ngettext("a", "b", 1), lazy_pgettext("context", "three")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of an app; the commands run in its folder."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "app.py").write_text(CODE, "utf-8")
    (tmp_path / "templates" / "page.html").write_text("{% trans %}four{% endtrans %}", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.feature("BA3")
def test_from_the_code_to_the_page(folder: Path) -> None:
    app = Quart("app", root_path=str(folder))
    Babel(app, default_translation_directories="texts", default_domain="shop")
    program = create_group(lambda: app)

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(program, ["babel", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    assert "Run 'babel extract' first." in run("init", "de", code=1)
    run("extract", "--project", "Shop")
    template = folder / "texts" / "shop.pot"
    with template.open("rb") as file:
        found = {message.id for message in read_po(file) if message.id}
    assert found == {"one", "two", ("a", "b"), "three", "four"}
    run("init", "de")
    source = folder / "texts" / "de" / "LC_MESSAGES" / "shop.po"
    source.write_text(
        source.read_text("utf-8").replace('msgid "one"\nmsgstr ""', 'msgid "one"\nmsgstr "eins"'),
        "utf-8",
    )
    (folder / "app.py").write_text(CODE + 'fifth = _("five")\n', "utf-8")
    run("extract", ".")
    run("update", "-l", "de")
    assert 'msgid "five"' in source.read_text("utf-8")
    run("compile")
    again = Quart("app", root_path=str(folder))
    Babel(again, default_translation_directories="texts", default_domain="shop")
    state = get_babel(again)
    assert state.catalogs.read_all(state.translation_directories, ["shop"]) == ["de"]
    (folder / "app.py").write_text("_('unfinished", "utf-8")
    run("extract", code=1)


def test_without_an_app(folder: Path) -> None:
    for arguments in (["extract"], ["init", "zh_Hans"], ["compile"]):
        done = CliRunner().invoke(main, ["babel", *arguments])
        assert done.exit_code == 0, done.output
    assert (folder / "translations" / "zh_Hans" / "LC_MESSAGES" / "messages.mo").exists()
    assert "Missing argument" in CliRunner().invoke(commands, ["init"]).output
