"""Print how many bytes imports and exports of two sizes need: ``python -m ... FOLDER URI``.

A program of its own, because the debug mode of the tests needs more than the work does. Batches
are small, so that a few orders are many of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import db
from quarterdeck_crm.transfer import csvfile, exporting, staging
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import

from .large_files import write_files

FEW, MANY = 300, 1_200
csvfile.BATCH = exporting.PIECE = staging.PORTION = 100


async def main(folder: Path, uri: str) -> None:
    app = create_app("testing", INSTANCE=str(folder), SQLALCHEMY_DATABASE_URI=uri)

    async def load(*names: str) -> None:
        await run_import(KINDS[names[0]], [Source(folder / f"{n}.csv", n) for n in names])

    async def load_orders() -> None:
        await load("orders", "lines")

    async def measure(orders: int, prefix: str) -> list[int]:
        write_files(folder, orders, prefix=prefix)
        return [await peak(work) for work in (load_orders, load_orders, export)]

    async with app.test_app(), app.app_context():
        write_files(folder, 10, prefix="A")
        for names in (["accounts"], ["goods"], ["orders", "lines"]):
            await load(*names)
        await export()  # what is made once, such as compiled statements, is made now
        print(json.dumps([await measure(FEW, "B"), await measure(MANY, "C")]))  # noqa: T201 - a program


async def export() -> None:
    for rows in (exporting.export_orders, exporting.export_lines):
        async with db.new_session() as session:
            async for _ in rows(session):
                pass


async def peak(work: Callable[[], Awaitable[object]]) -> int:
    tracemalloc.start()
    await work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
