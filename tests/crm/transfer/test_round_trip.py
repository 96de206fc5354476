"""Whatever the database holds, its export imports again to the same state."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from quart import Quart
from sqlalchemy import delete, select

from quarterdeck_crm.deals.stages import make_usual_stages
from quarterdeck_crm.errors import ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Account,
    Activity,
    Contact,
    Deal,
    DealLine,
    Good,
    Note,
    Order,
    OrderLine,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
    User,
)
from quarterdeck_crm.transfer.importing import Import, Report, Source
from quarterdeck_crm.transfer.kinds import KINDS

from .businesses import BUSINESS, NAMESAKES, OWNERS, TWINS, fill
from .conftest import RunImport

pytestmark = [pytest.mark.feature("AP3"), pytest.mark.timeout(300)]

TABLES = (
    Activity, Note, DealLine, Deal, OrderLine, Order, Contact, PersonPhone, PersonEmail,
    PersonAddress, Person, Account, Good,
)  # fmt: skip


async def export(folder: Path) -> dict[str, bytes]:
    """Write all files, and return their contents."""
    contents = {}
    for part in [part for kind in KINDS.values() for part in kind.parts]:
        async with db.new_session() as session:
            text = "".join([chunk async for chunk in part.export(session)])
        contents[part.name] = text.encode()
        (folder / part.name).write_bytes(contents[part.name])
    return contents


async def load(folder: Path) -> list[Report]:
    """Import the files of the folder."""
    reports = []
    for kind in KINDS.values():
        sources = [Source(folder / part.name, part.name) for part in kind.parts]
        async with db.new_session() as session:
            task = Import(session)
            try:
                reports.append(await kind.load(task, sources))
            except ImportRefusedError as refused:
                raise AssertionError([str(m) for m in refused.mistakes.shown]) from None
            finally:
                await task.worker.close()
    return reports


async def everything() -> list[list[Any]]:
    """Return all rows of the tables, with their versions and their history."""
    async with db.new_session() as session:
        return [
            [*await session.execute(select(model.__table__).order_by(model.id))] for model in TABLES
        ]


def unordered(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the files, that of people as records: they come in the order of their accounts."""
    records = sorted(csv.reader(io.StringIO(files["people"].decode(), newline="")))
    return files | {"people": records}


async def empty() -> None:
    async with db.new_session() as session, session.transaction():
        for model in TABLES:
            await session.execute(delete(model))


@given(business=BUSINESS)
@example(business=(TWINS, [], [], NAMESAKES, [], []))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes
)
async def test_an_export_imports_again_to_the_same_state(
    app: Quart, tmp_path: Path, business: Any
) -> None:
    async with app.app_context():
        await empty()
        async with db.new_session() as session, session.transaction():
            if not (await session.scalars(select(User.id))).all():
                for email in filter(None, OWNERS):
                    session.add(User(email=email, name=email, password_hash="none"))
                await make_usual_stages(session)
        await fill(business)
        before, files = await everything(), await export(tmp_path)

        reports = await load(tmp_path)
        assert [(report.created, report.updated) for report in reports] == [(0, 0)] * len(KINDS)
        assert await everything() == before, "the same database has changed"

        await empty()
        await load(tmp_path)
        assert unordered(await export(tmp_path)) == unordered(files)
        after = await everything()
        reports = await load(tmp_path)
        assert [(report.created, report.updated) for report in reports] == [(0, 0)] * len(KINDS)
        assert await everything() == after, "the second import has changed something"


async def test_an_account_gets_its_code_by_file(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    async with app.app_context(), db.transaction() as session:
        session.add(Account(name="Walk-in", reference="ref-1"))
    (files / "customers.csv").write_text("code,reference,name\nWALK,ref-1,Walk-in\n")

    report = await run_import("accounts")

    assert (report.created, report.updated) == (0, 1)
    async with app.app_context():
        account = await db.one_or_404(select(Account))
    assert (account.code, account.reference) == ("WALK", "ref-1")


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (",,Nameless", "'code' is empty. Enter a code; only exported files name"),
        ("ONE,ref-2,Both", "'code' is 'ONE' and 'reference' is 'ref-2', but these are two"),
    ],
)
async def test_an_account_that_cannot_be_told_is_a_mistake(
    app: Quart, files: Path, run_import: RunImport, line: str, mistake: str
) -> None:
    async with app.app_context(), db.transaction() as session:
        session.add(Account(name="One", code="ONE", reference="ref-1"))
        session.add(Account(name="Two", reference="ref-2"))
    (files / "customers.csv").write_text(f"code,reference,name\n{line}\n")

    with pytest.raises(ImportRefusedError) as refused:
        await run_import("accounts")

    assert mistake in str(refused.value.mistakes.shown[0])
