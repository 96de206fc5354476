"""The cost of ``mail.enqueue`` in a transaction, and what one relay sends over one connection.

Run ``python -m bench mail``. The database is an SQLite file, the mail server aiosmtpd in a thread
of the same process, so that its share of the CPU time counts as well.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tests.kit.mail.outbox_app import Order, db, mail, make_app, order_mail
from tests.smtp import mail_server

TRANSACTIONS = 500
MAILS = 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, mail_server() as server:
        asyncio.run(_measure(Path(folder), server.port))


async def _measure(folder: Path, port: int) -> None:
    uri = f"sqlite+aiosqlite:///{folder / 'mail.db'}"
    app = make_app(folder, port, uri, MAIL_OUTBOX_RELAY=False)
    async with app.test_app(), app.app_context():
        await db.create_all()
        await _place(20, mails=1)  # everything is compiled
        alone = await _place(TRANSACTIONS, mails=0)
        with_mail = await _place(TRANSACTIONS, mails=1)
        print(f"a transaction with one row          {alone * 1000:6.2f} ms")
        print(f"the same and an enqueued mail       {with_mail * 1000:6.2f} ms")
        async with db.transaction():
            for number in range(MAILS):
                await mail.enqueue(order_mail(number))
        began = time.perf_counter()
        sent = await mail.relay.send_due()
        seconds = time.perf_counter() - began
        print(f"one relay on one connection         {sent / seconds:6.0f} mails per second")


async def _place(count: int, *, mails: int) -> float:
    """Commit so many orders; return the seconds for each."""
    began = time.perf_counter()
    for number in range(count):
        async with db.transaction() as session:
            session.add(Order(name=f"Order {number}"))
            for _ in range(mails):
                await mail.enqueue(order_mail(number))
    return (time.perf_counter() - began) / count
