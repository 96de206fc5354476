"""The app of the outbox tests, and a program that enqueues or relays in a process of its own.

``python -m tests.kit.mail.outbox_app enqueue|relay FOLDER DATABASE_URI SMTP_PORT``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from quart import Quart
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from quarterdeck.mail import Mail, Message
from quarterdeck.sqlalchemy import ModelMixin, SQLAlchemy
from tests import databases

SENDER = "shop@example.com"
# Short, so that tests do not wait.
QUICK = {
    "MAIL_OUTBOX_POLL_SECONDS": 0.05,
    "MAIL_OUTBOX_RETRY_SECONDS": 0.05,
    "MAIL_OUTBOX_RETRY_MAX_SECONDS": 0.2,
}


class Model(ModelMixin, DeclarativeBase):
    """The base of the model below."""


db = SQLAlchemy(model_class=Model)
mail = Mail(db=db)


class Order(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


def make_app(folder: Path, port: int, uri: str | None = None, **config: Any) -> Quart:
    app = Quart("tests", instance_path=str(folder))
    app.config.update(
        {
            "SQLALCHEMY_DATABASE_URI": uri or databases.uri(folder),
            "MAIL_PORT": port,
            "MAIL_DEFAULT_SENDER": SENDER,
            "MAIL_TIMEOUT": 20,
            "SQLALCHEMY_POOL_TIMEOUT": 30,
        }
        | QUICK
        | config
    )
    db.init_app(app)
    mail.init_app(app)
    return app


def order_mail(number: int = 1, **more: Any) -> Message:
    return Message(f"Order {number}", [f"customer{number}@example.com"], "Thank you.", **more)


async def place_order(number: int = 1) -> None:
    """Commit an order and its mail."""
    async with db.transaction() as session:
        session.add(Order(name=f"Order {number}"))
        await mail.enqueue(order_mail(number))


async def _main(word: str, folder: str, uri: str, port: str) -> None:
    config = {"MAIL_OUTBOX_RELAY": word == "relay", "MAIL_OUTBOX_LEASE_SECONDS": 1}
    app = make_app(Path(folder), int(port), uri, **config)
    async with app.test_app(), app.app_context():
        if word == "enqueue":
            for number in range(3):
                await place_order(number)
        print("ready", flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
