"""Mail: text and HTML with an attachment; sent now, or after the commit of a transaction.

pip install 'quarterdeck[mail,sqlalchemy]'
MAIL_SERVER=smtp.example.com quarterdeck serve mail:app     # else mail is printed
"""

import os

from quart import Quart
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck.mail import Mail, Message
from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config.update(
    MAIL_BACKEND="smtp" if "MAIL_SERVER" in os.environ else "console",
    MAIL_SERVER=os.environ.get("MAIL_SERVER", "127.0.0.1"),
    MAIL_PORT=int(os.environ.get("MAIL_PORT", "25")),
    MAIL_DEFAULT_SENDER=("Harbour", "harbour@example.com"),
    SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL", "sqlite:///mail.sqlite3"),
)
db = SQLAlchemy(app)
mail = Mail(app, db=db)  # the table of the outbox belongs to db.metadata


class Ship(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(80))


@app.before_serving
async def create_tables():
    await db.create_all()


def report(ship: str) -> Message:
    message = Message(f"{ship} has arrived", ["agent@example.com"])
    message.body = f"{ship} lies at berth B4."
    message.html = f"<p><b>{ship}</b> lies at berth B4.</p>"
    message.attach("cargo.csv", "text/csv", "good,tons\ntea,3\n")
    return message


@app.post("/now/<ship>")
async def now(ship: str):
    await mail.send(report(ship))  # the visitor waits for the mail server
    return "Sent"


@app.post("/ships/<ship>")
async def arrive(ship: str):
    async with db.transaction() as session:
        session.add(Ship(name=ship))
        await mail.enqueue(report(ship))  # leaves after the commit, and is retried
    return "Saved", 201
