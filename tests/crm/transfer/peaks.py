"""Print how many bytes imports and exports of two sizes need: ``python -m ... FOLDER URI``.

A program of its own, because the debug mode of the tests needs more than the work does. Batches
are small, so that a few orders are many of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from quarterdeck_crm import create_app
from quarterdeck_crm.deals.stages import make_usual_stages
from quarterdeck_crm.extensions import db
from quarterdeck_crm.transfer import csvfile, exporting, staging
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, PARTS, run_import

from .large_files import write_files

FEW, MANY = 200, 800
Work = Callable[[], Awaitable[object]]
LOADS = (("orders", "lines"), ("deals",), ("notes",))
csvfile.BATCH = exporting.PIECE = staging.PORTION = 100


async def main(folder: Path, uri: str) -> None:
    app = create_app("testing", INSTANCE=str(folder), SQLALCHEMY_DATABASE_URI=uri)

    async def load(*names: str) -> None:
        await run_import(KINDS[names[0]], [Source(folder / f"{n}.csv", n) for n in names])

    works: list[Work] = [partial(load, *names) for names in LOADS for _twice in range(2)]

    async def measure(rows: int, prefix: str) -> list[int]:
        write_files(folder, rows, prefix=prefix)
        return [await peak(work) for work in (*works, export)]

    async with app.test_app(), app.app_context():
        # Objects in cycles wait for a collection, the longer the more other objects there are:
        # here a short time, so that the figures show the memory that is held.
        gc.freeze()
        gc.set_threshold(100, 2, 1)
        write_files(folder, 10, prefix="A")
        async with db.new_session() as session, session.transaction():
            await make_usual_stages(session)
        for names in (("accounts",), ("goods",), *LOADS):
            await load(*names)
        await export()  # what is made once, such as compiled statements, is made now
        print(json.dumps([await measure(FEW, "B"), await measure(MANY, "C")]))  # noqa: T201 - a program


async def export() -> None:
    for name in ("orders", "order-lines", "deals", "notes"):
        async with db.new_session() as session:
            async for _ in PARTS[name].export(session):
                pass


async def peak(work: Work) -> int:
    gc.collect()
    tracemalloc.start()
    await work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
