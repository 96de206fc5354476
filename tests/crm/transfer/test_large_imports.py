"""Imports of many portions: flat in memory, nothing by halves, others may work meanwhile."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import func, select

from quarterdeck_crm.deals.stages import make_usual_stages
from quarterdeck_crm.errors import ConflictError, ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Activity, Order, OrderLine
from quarterdeck_crm.transfer import csvfile
from quarterdeck_crm.transfer.importing import Progress, Report, Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from quarterdeck_crm.transfer.staging import PORTION

from .large_files import write_files

ORDERS = 3 * PORTION
Load = Callable[..., Awaitable[Report]]


@pytest.fixture
async def load(app: Quart, tmp_path: Path) -> AsyncIterator[Load]:
    """Import the orders of the folder; accounts and goods are there."""
    names = {"accounts": ("accounts",), "goods": ("goods",), "orders": ("orders", "lines")}
    await asyncio.to_thread(write_files, tmp_path, ORDERS)

    async def load(
        kind: str = "orders", *, dry_run: bool = False, progress: Progress | None = None
    ) -> Report:
        files = [Source(tmp_path / f"{name}.csv", f"{name}.csv") for name in names[kind]]
        return await run_import(KINDS[kind], files, dry_run=dry_run, progress=progress)

    async with app.app_context():
        await load("accounts")
        await load("goods")
        yield load


async def _counts() -> list[int]:
    """Return how many orders, lines and lines of history of orders are here."""
    statements = (
        select(func.count()).select_from(Order),
        select(func.count()).select_from(OrderLine),
        select(func.count()).select_from(Activity).where(Activity.subject_type == "order"),
    )
    async with db.new_session() as session:
        return [await session.scalar(statement) or 0 for statement in statements]


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


@pytest.mark.feature("AP3")
@pytest.mark.timeout(240)  # tracing makes it slow, other work on the machine slower
def test_memory_does_not_grow_with_the_files(app: Quart, tmp_path: Path) -> None:
    """Four times the rows need the same: to import, to compare the second time, to export.

    Orders with their lines, deals with theirs, and notes.
    """
    uri = app.config["SQLALCHEMY_DATABASE_URI"]
    command = [sys.executable, "-m", f"{__package__}.peaks", str(tmp_path), uri]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    few, many = json.loads(done.stdout)
    grown = [after - before for before, after in zip(few, many, strict=True)]
    assert max(grown) < 200_000, (few, many)


@pytest.mark.feature("AP3")
@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("orders.csv", "B1,NOONE,2026-01-01,,,0,,,,", "there is no account of this code"),
        ("lines.csv", "B0000001,G0001,1,cheap,0", "'price' is 'cheap'"),
        ("lines.csv", "B9999999,G0001,1,1,0", "is not in the file of orders"),
    ],
)
async def test_a_mistake_in_the_last_row_leaves_nothing(
    load: Load, tmp_path: Path, file: str, line: str, message: str
) -> None:
    await asyncio.to_thread(_append, tmp_path / file, line)

    with pytest.raises(ImportRefusedError) as refused:
        await load()

    assert message in str(refused.value.mistakes.shown[0])
    assert await _counts() == [0, 0, 0]


@pytest.mark.parametrize(
    ("kind", "header", "row"),
    [
        ("goods", "code,name,price", "{key},Rope,1"),
        ("tasks", "reference,title", "{key},Call"),
        ("deals", "reference,name,account", "{key},Refit,C0001"),
        ("notes", "reference,record_kind,record,text", "{key},account,C0001,Called"),
    ],
)
@pytest.mark.usefixtures("load")
async def test_a_row_is_known_many_rows_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, header: str, row: str
) -> None:
    monkeypatch.setattr(csvfile, "BATCH", 2)
    async with db.transaction() as session:
        await make_usual_stages(session)
    rows = [row.format(key=key) for key in ("a", "b", "c", "d", "e", "b", "f")]
    file = tmp_path / "again.csv"
    file.write_text("\n".join([header, *rows]))

    with pytest.raises(ImportRefusedError) as refused:
        await run_import(KINDS[kind], [Source(file, file.name)])

    (mistake,) = refused.value.mistakes.shown
    assert str(mistake).startswith("again.csv, line 7: ")
    assert " b stands " in str(mistake)


@pytest.mark.feature("AP3")
async def test_an_interrupted_import_is_finished_by_another(load: Load) -> None:
    def stop(done: int, total: int) -> None:
        if done > 0.7 * total:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await load(progress=stop)
    orders, lines, told = await _counts()
    again = await load()

    assert orders == told == 2 * PORTION
    assert lines == orders * 13 // 5  # whole orders
    assert (again.unchanged, again.created) == (orders, ORDERS - orders)
    assert await _counts() == [ORDERS, ORDERS * 13 // 5, ORDERS]


async def test_the_same_import_twice_at_once_writes_no_order_twice(load: Load) -> None:
    done = await asyncio.gather(load(), load(), return_exceptions=True)

    assert {type(one) for one in done} <= {Report, ConflictError}
    assert (await load()).created + (await _counts())[0] >= ORDERS
    assert await _counts() == [ORDERS, ORDERS * 13 // 5, ORDERS]


async def test_others_can_write_between_the_portions(load: Load) -> None:
    seen = set()

    async def work_on() -> None:
        while (orders := (await _counts())[0]) < ORDERS:
            async with db.new_session() as session, session.transaction():
                session.add(Activity(subject_type="good", subject_id=1, action="changed"))
            seen.add(orders)

    await asyncio.gather(load(), work_on())

    assert seen - {0}, "nobody could write before the end"


async def test_a_dry_run_waits_for_nobody(load: Load) -> None:
    """It holds no lock and needs none."""
    async with db.new_session() as session, session.transaction():
        session.add(Activity(subject_type="good", subject_id=1, action="changed"))
        await session.flush()

        report = await load(dry_run=True)

    assert (report.created, report.lines) == (ORDERS, ORDERS * 13 // 5)
    assert await _counts() == [0, 0, 0]


async def test_progress_grows_to_the_end(load: Load) -> None:
    told: list[tuple[int, int]] = []

    await load(progress=lambda done, total: told.append((done, total)))

    assert len(told) > 4
    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert told[-1][0] == told[-1][1]
