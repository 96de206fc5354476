"""SQLAlchemy: models, relationships, queries, pages, transactions and a version column.

pip install 'quarterdeck[sqlalchemy]'       # [mysql] or [postgresql] for a server
quarterdeck serve database:app
"""

import os

from quart import Quart, request
from sqlalchemy import ForeignKey, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config.update(
    SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL", "sqlite:///harbour.sqlite3"),
    SQLALCHEMY_POOL_SIZE=5,
)
db = SQLAlchemy(app)


class Harbour(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(80), unique=True)
    ships: Mapped[list["Ship"]] = relationship(back_populates="harbour")


class Ship(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(80))
    version: Mapped[int] = mapped_column()
    harbour_id: Mapped[int] = mapped_column(ForeignKey(Harbour.id))
    harbour: Mapped[Harbour] = relationship(back_populates="ships")
    __mapper_args__ = {"version_id_col": version}


@app.before_serving
async def create_tables():
    await db.create_all()


@app.post("/<harbour>/<ship>")
async def arrive(harbour: str, ship: str):
    async with db.transaction() as session:  # commits at the end, rolls back on an error
        place = await Harbour.query.filter_by(name=harbour).first() or Harbour(name=harbour)
        session.add(made := Ship(name=ship, harbour=place))
    return made.to_dict(), 201


@app.get("/")
async def harbours():
    query = select(Harbour).options(selectinload(Harbour.ships)).order_by(Harbour.name)
    page = await db.paginate(query, per_page=10)  # ?page=2
    return {each.name: [ship.name for ship in each.ships] for each in page}


@app.put("/ships/<int:number>")
async def rename(number: int):
    ship = await Ship.query.get_or_404(number)
    ship.name = (await request.get_json())["name"]
    await db.session.commit()  # raises StaleDataError if another request has saved the row
    return ship.to_dict()


@app.errorhandler(StaleDataError)
async def changed_meanwhile(error):
    return {"error": "Another user has changed this ship. Load it again."}, 409


@app.get("/count")
async def count():
    rows = await db.session.execute(text("SELECT count(*) AS ships FROM ship"))
    async with async_sessionmaker(db.engine)() as own:  # a session of plain SQLAlchemy
        names = (await own.scalars(select(Ship.name))).all()
    return {**rows.mappings().one(), "names": names}
