"""Static files: kept long by browsers, and replaced together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from quarterdeck_crm import paths

if TYPE_CHECKING:
    from quart import Quart
    from quart.typing import TestClientProtocol as Client

    from .conftest import Auth

_IMPORT = re.compile(r"""^import (?:.* from )?["'](.+?)["'];""", re.MULTILINE)
_URL = re.compile(r"""url\(["']?(?!data:)(.+?)["']?\)""")


@pytest.fixture
def fresh() -> Iterator[None]:
    paths.static_path.cache_clear()
    yield
    paths.static_path.cache_clear()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("change", ["content", "name"])
def test_path_changes_with_any_file(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "STATIC", tmp_path)
    (tmp_path / "js").mkdir()
    file = tmp_path / "js" / "a.js"
    file.write_text("1")
    before = paths.static_path()
    paths.static_path.cache_clear()
    assert paths.static_path() == before
    paths.static_path.cache_clear()
    if change == "content":
        file.write_text("2")
    else:
        file.rename(tmp_path / "js" / "b.js")
    assert paths.static_path() != before


async def test_pages_name_the_version(client: Client) -> None:
    page = await (await client.get("/auth/login")).get_data(as_text=True)
    assert f'href="{paths.static_path()}/css/tokens.css"' in page
    sheet = await client.get(f"{paths.static_path()}/css/tokens.css")
    assert sheet.status_code == 200
    assert (await client.get("/static/css/tokens.css")).status_code == 404


async def test_a_page_of_another_release_gets_the_file_of_this_one(client: Client) -> None:
    """A new process has written the page, and an old one is asked for its style, or vice versa."""
    own = await client.get(f"{paths.static_path()}/css/tokens.css")
    other = await client.get("/static/0123456789/css/tokens.css")
    assert own.cache_control.max_age
    assert other.cache_control.no_cache
    assert other.cache_control.max_age is None
    assert "Set-Cookie" not in other.headers
    assert await other.get_data() == await own.get_data()
    for missing, status in (("0123456789/none.css", 404), ("0123456789/../../pyproject.toml", 400)):
        assert (await client.get(f"/static/{missing}")).status_code == status


@pytest.mark.parametrize("path", [f"{paths.static_path()}/none.css", "/metrics"])
async def test_an_error_page_where_there_is_no_session(
    app: Quart, auth: Auth, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """A signed-in user asks for a missing file, or for figures that are not for browsers."""
    app.config["CONFIG_NAME"] = "production"
    caplog.clear()
    answer = await auth.get(path, headers={"Accept": "text/html"})
    page = await answer.get_data(as_text=True)
    assert answer.status_code in {403, 404}
    assert f'href="{paths.static_path()}/css/layout.css"' in page
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}]


@pytest.mark.parametrize("module", sorted((paths.STATIC / "js").glob("*.js")), ids=str)
def test_modules_import_what_is_there(module: Path) -> None:
    for name in _IMPORT.findall(module.read_text()):
        assert (module.parent / name).is_file(), name


@pytest.mark.parametrize("sheet", sorted((paths.STATIC / "css").glob("*.css")), ids=str)
def test_styles_name_what_is_there(sheet: Path) -> None:
    for name in _URL.findall(sheet.read_text()):
        assert (sheet.parent / name).is_file(), name


def test_icons_that_templates_ask_for_are_drawn() -> None:
    drawn = set(re.findall(r'symbol id="(\w+)"', (paths.STATIC / "img/icons.svg").read_text()))
    asked = {
        name
        for page in paths.ROOT.rglob("*.html")
        if ".venv" not in page.parts
        for name in re.findall(r"""icon\(["'](\w+)["']""", page.read_text())
    }
    assert asked
    assert asked <= drawn


async def test_pages_and_files_are_sent_compressed(client: Client) -> None:
    accept = {"Accept-Encoding": "gzip"}
    page = await client.get("/auth/login", headers=accept)
    sheet = await client.get(f"{paths.static_path()}/css/components.css", headers=accept)
    for response in (page, sheet):
        assert response.status_code == 200
        assert response.headers["Content-Encoding"] == "gzip"
