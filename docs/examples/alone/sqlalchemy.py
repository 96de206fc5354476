from quart import Quart
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///:memory:"
db = SQLAlchemy(app)


class Ship(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@app.get("/")
async def index():
    await db.create_all()
    async with db.transaction() as session:
        session.add(Ship(name="Endeavour"))
    return (await Ship.query.first_or_404()).name
