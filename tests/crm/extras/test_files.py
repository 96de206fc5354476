"""Tags and custom fields in files: exported, imported again, refused by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import delete

from quarterdeck_crm.errors import ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.fields import create_field
from quarterdeck_crm.models import (
    Account,
    Activity,
    CustomValue,
    Good,
    Order,
    OrderLine,
    Person,
    RecordTag,
    Tag,
)
from quarterdeck_crm.transfer.importing import Report, Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from tests.crm.trading import Trade

FIELDS: list[dict[str, Any]] = [
    {"label": "Colour", "type": "choice", "options": ["red", "blue"]},
    {"label": "Size", "type": "number"},
    {"label": "Since", "type": "date"},
    {"label": "VIP", "type": "yes_no", "required": True},
    {"label": "Hobby", "type": "text"},
]
VALUES = {"colour": "red", "size": "-12.5", "since": "2026-01-31", "vip": False, "hobby": "=1+1"}
EXTRAS: dict[str, Any] = {"tags": ["Wine", "key account"], "fields": VALUES}
HEADER = "tags,field_colour,field_size,field_since,field_vip,field_hobby"
KINDS_OF = {"accounts": "account", "people": "person", "goods": "good", "orders": "order"}


async def export(app: Quart, folder: Path, kind: str) -> str:
    """Write the files of a kind, and return the first."""
    texts = []
    for part in KINDS[kind].parts:
        async with app.app_context(), db.new_session() as session:
            texts.append("".join([chunk async for chunk in part.export(session)]))
        (folder / part.name).write_text(texts[-1], encoding="utf-8", newline="")
    return texts[0]


async def load(app: Quart, folder: Path, kind: str) -> Report:
    sources = [Source(folder / part.name, part.name) for part in KINDS[kind].parts]
    async with app.app_context():
        return await run_import(KINDS[kind], sources)


async def test_files_keep_tags_and_fields(app: Quart, trade: Trade, tmp_path: Path) -> None:
    async with trade.session() as session:
        for kind in KINDS_OF.values():
            for values in FIELDS:
                await create_field(session, actor=None, kind=kind, values=values)
    plain: dict[str, Any] = {"fields": {"vip": True}}
    account = await trade.account(code="A1", **EXTRAS)
    await trade.account(code="A2", **plain)
    await trade.person(account, **EXTRAS)
    good = await trade.good(**EXTRAS)
    await trade.order((good, 2), account=account, **EXTRAS)
    before = {kind: await export(app, tmp_path, kind) for kind in KINDS_OF}
    for text in before.values():
        assert HEADER in text
        assert "\"key account, Wine\",red,'-12.5,2026-01-31,0,'=1+1" in text
    async with trade.session() as session:
        for model in (
            Activity, OrderLine, Order, Person, Account, Good, RecordTag, CustomValue, Tag,
        ):  # fmt: skip
            await session.execute(delete(model))

    # The file of accounts has made the person already, without tags.
    for kind, created in {"accounts": 2, "people": 0, "goods": 1, "orders": 1}.items():
        report = await load(app, tmp_path, kind)
        assert report.created == created, kind
        assert report.unknown_columns == []
        assert await export(app, tmp_path, kind) == before[kind]
        again = await load(app, tmp_path, kind)
        assert (again.created, again.updated) == (0, 0), kind

    for kind in ("accounts", "people", "goods"):
        path = tmp_path / kind
        text = before[kind].replace("key account, Wine", "Wine, Beer").replace(",'-12.5,", ",,")
        path.write_text(text, encoding="utf-8", newline="")
        assert (await load(app, tmp_path, kind)).updated == 1
        assert await export(app, tmp_path, kind) == text.replace("Wine, Beer", "Beer, Wine")


async def test_wrong_cells_are_named_by_line(app: Quart, trade: Trade, tmp_path: Path) -> None:
    async with trade.session() as session:
        for values in FIELDS:
            await create_field(session, actor=None, kind="account", values=values)
    lines = [
        "code,name,tags,field_colour,field_size,field_since,field_vip",
        f"A1,One,{'x' * 41},green,1e5,soon,maybe",
    ]
    (tmp_path / "accounts").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ImportRefusedError) as refused:
        await load(app, tmp_path, "accounts")
    told = "\n".join(str(mistake) for mistake in refused.value.mistakes.shown)
    for part in ("'tags'", "one of red, blue", "at most 6 decimals", "a date such as", "1 or 0"):
        assert part in told, told
