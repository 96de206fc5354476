"""An API over a database: a token for each client, and JSON for every answer, errors included.

pip install 'quarterdeck[sqlalchemy,login]'
quart --app api_database add-client         # makes the tables, and prints a token
quarterdeck serve api_database:app
curl -H "Authorization: Bearer TOKEN" --json '{"name": "Gig"}' 127.0.0.1:8000/ships
"""

import os
import secrets
from hashlib import sha256

import click
from quart import abort, request
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import HTTPException

from quarterdeck.app import Quart
from quarterdeck.login import LoginManager, UserMixin
from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///api.sqlite3")
db = SQLAlchemy(app)
login = LoginManager(app, require_login=True)  # without a sign-in page: 401


class Client(UserMixin, db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(db.String(64), unique=True)


class Ship(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(db.String(80))


@login.request_loader
async def client_of(request):
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        return await Client.query.filter_by(token_hash=sha256(token.encode()).hexdigest()).first()


@app.errorhandler(HTTPException)
async def failed(error):
    headers = [pair for pair in error.get_headers() if pair[0] != "Content-Type"]
    return {"error": error.description}, error.code, headers


@app.get("/ships")
async def list_ships():
    return [ship.to_dict() for ship in await db.paginate(db.select(Ship).order_by(Ship.id))]


@app.get("/ships/<int:number>")
async def show_ship(number):
    return (await db.get_or_404(Ship, number, description="There is no such ship.")).to_dict()


@app.post("/ships")
async def add_ship():
    match await request.get_json():
        case {"name": str(name)} if 0 < len(name) <= 80:
            db.session.add(ship := Ship(name=name))
        case _:
            abort(422, "'name' is missing, or is not a text of 1 to 80 characters.")
    await db.session.commit()
    return ship.to_dict(), 201, {"Location": f"/ships/{ship.id}"}


@app.cli.command()
async def add_client():
    """Print the token of a new client."""
    await db.create_all()
    token = secrets.token_urlsafe()
    db.session.add(Client(token_hash=sha256(token.encode()).hexdigest()))
    await db.session.commit()
    click.echo(token)
