"""What the pages say is so: code compiles or runs, every key is there."""

from __future__ import annotations

import ast
import asyncio
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quarterdeck.config import ConfigKey
from tests.policies import checks, configuration

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "bench").glob("*.md"))
FENCE = re.compile(r"(<!-- runnable -->\n)?^```python\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A code block of a page; ``<!-- runnable -->`` above it makes it run."""

    page: Path
    line: int
    code: str
    runnable: bool


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            yield Block(page, line, match[2], bool(match[1]))


def _id(block: Block) -> str:
    return f"{block.page.name}:{block.line}"


@pytest.mark.parametrize("block", list(blocks()), ids=_id)
def test_python_of_the_pages(block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It compiles, with ``await`` allowed anywhere; marked blocks also run, each by itself."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiled = compile("\n" * (block.line - 1) + block.code, block.page.name, "exec", flags)
    if block.runnable:
        monkeypatch.chdir(tmp_path)
        exec(compiled, {"__name__": "page"})  # noqa: S102 - our own page


#: Each version of a change log has the same headings.
WITH_CHAPTERS = [page for page in PAGES if page.name.lower() != "changelog.md"]


@pytest.mark.parametrize("page", WITH_CHAPTERS, ids=lambda page: page.name)
def test_no_chapter_is_there_twice(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#{1,3} .+$", text, re.M)

    assert sorted(headings) == sorted(set(headings))


APPS = [block for block in blocks() if re.search(r"^app = Quart\(", block.code, re.M)]


@pytest.mark.parametrize("block", APPS, ids=_id)
def test_apps_of_the_pages_answer(
    block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each app, as a file of its own in an empty folder, starts and answers its pages."""
    name = re.sub(r"\W", "_", block.page.stem).lower()
    path = tmp_path / f"page_{name}_{block.line}.py"
    path.write_text(block.code, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module(path.stem)

    async def visit() -> list[tuple[str, int]]:
        async with module.app.test_app() as running:
            client = running.test_client()
            return [
                (rule.rule, (await client.get(rule.rule)).status_code)
                for rule in module.app.url_map.iter_rules()
                if not rule.arguments and "GET" in (rule.methods or ()) and not rule.websocket
            ]

    try:
        answers = asyncio.run(visit())
    finally:
        del sys.modules[path.stem]
    assert [answer for answer in answers if answer[1] >= 500] == []


def test_the_apps_of_the_pages_are_found() -> None:
    """A test of the test above: it would pass without a single app."""
    assert {"README.md", "database.md", "forms.md", "session.md"} <= {b.page.name for b in APPS}


KEYS = configuration.tables()


@pytest.mark.feature("C5")
def test_the_configuration_page_is_current() -> None:
    page = configuration.PAGE.read_text("utf-8")

    assert configuration.render(page) == page, "Write it again with 'make tables'."


def test_the_tables_of_rules_are_current() -> None:
    page = checks.PAGE.read_text("utf-8")
    tables = checks.tables()

    assert checks.render(page) == page, "Write it again with 'make tables'."
    assert {name for _, name, _ in checks.REGION.findall(page)} == tables.keys()
    ids = [rule.id for rules in tables.values() for rule in rules]
    assert len(ids) == len(set(ids)), "an id belongs to one rule"


def test_every_room_with_keys_has_a_table_on_the_page() -> None:
    regions = configuration.REGION.findall(configuration.PAGE.read_text("utf-8"))

    assert sorted(name for _, name, _ in regions) == sorted(KEYS)
    assert KEYS.keys() >= {"app", "login", "migrate", "sqlalchemy", "wtf", "crm"}


@pytest.mark.parametrize(
    "key", [key for keys in KEYS.values() for key in keys.values()], ids=lambda key: key.name
)
def test_every_key_is_described(key: ConfigKey) -> None:
    assert key.type
    assert key.help.endswith(".")
    assert "|" not in key.help, "it would end the cell of the table"
    assert (
        not key.name.endswith(("_KEY", "_TOKEN")) or key.secret or key.name == "SESSION_OWNER_KEY"
    )


def test_every_room_has_a_reference_page() -> None:
    rooms = {path.parent.name for path in (ROOT / "src" / "quarterdeck").glob("*/__init__.py")}
    pages = {page.stem for page in (ROOT / "docs" / "reference").glob("*.md")}

    assert pages == rooms | {"config", "routing", "index"}


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


NAMED_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tests_that_a_page_names_exist(page: Path) -> None:
    missing = [
        f"{name}::{test}"
        for name, test in NAMED_TEST.findall(page.read_text(encoding="utf-8"))
        if not any(f"def {test}(" in f.read_text("utf-8") for f in ROOT.glob(f"tests/**/{name}"))
    ]

    assert missing == []
