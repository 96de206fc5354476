"""Migrations: the tables follow the models, by scripts that you can read.

pip install 'quarterdeck[migrate]'
quart --app migrate db init                 # once
quart --app migrate db migrate -m "Ships"   # after each change of the models
quart --app migrate db upgrade              # on each machine
quarterdeck serve migrate:app
"""

import os

from quart import Quart
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///ships.sqlite3")
db = SQLAlchemy(app)
Migrate(app, db)


class Ship(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(80))


@app.get("/")
async def index():
    return [ship.name for ship in await Ship.query.order_by(Ship.name).all()]
