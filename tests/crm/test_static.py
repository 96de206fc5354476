"""Static files: kept long by browsers, and replaced together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from quarterdeck_crm import resources

if TYPE_CHECKING:
    from quart.typing import TestClientProtocol as Client

_IMPORT = re.compile(r"""^import (?:.* from )?["'](.+?)["'];""", re.MULTILINE)
_URL = re.compile(r"""url\(["']?(?!data:)(.+?)["']?\)""")


@pytest.fixture
def fresh() -> Iterator[None]:
    resources.static_path.cache_clear()
    yield
    resources.static_path.cache_clear()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("change", ["content", "name"])
def test_path_changes_with_any_file(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "STATIC", tmp_path)
    (tmp_path / "js").mkdir()
    file = tmp_path / "js" / "a.js"
    file.write_text("1")
    before = resources.static_path()
    resources.static_path.cache_clear()
    assert resources.static_path() == before
    resources.static_path.cache_clear()
    if change == "content":
        file.write_text("2")
    else:
        file.rename(tmp_path / "js" / "b.js")
    assert resources.static_path() != before


async def test_pages_name_the_version(client: Client) -> None:
    page = await (await client.get("/auth/login")).get_data(as_text=True)
    assert f'href="{resources.static_path()}/css/tokens.css"' in page
    sheet = await client.get(f"{resources.static_path()}/css/tokens.css")
    assert sheet.status_code == 200
    assert (await client.get("/static/css/tokens.css")).status_code == 404


@pytest.mark.parametrize("module", sorted((resources.STATIC / "js").glob("*.js")), ids=str)
def test_modules_import_what_is_there(module: Path) -> None:
    for name in _IMPORT.findall(module.read_text()):
        assert (module.parent / name).is_file(), name


@pytest.mark.parametrize("sheet", sorted((resources.STATIC / "css").glob("*.css")), ids=str)
def test_styles_name_what_is_there(sheet: Path) -> None:
    for name in _URL.findall(sheet.read_text()):
        assert (sheet.parent / name).is_file(), name


def test_icons_that_templates_ask_for_are_drawn() -> None:
    drawn = set(re.findall(r'symbol id="(\w+)"', (resources.STATIC / "img/icons.svg").read_text()))
    asked = {
        name
        for page in resources.ROOT.rglob("*.html")
        if ".venv" not in page.parts
        for name in re.findall(r"""icon\(["'](\w+)["']""", page.read_text())
    }
    assert asked
    assert asked <= drawn
