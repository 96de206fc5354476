"""Blueprints: parts of an app with a prefix, hooks and error handlers of their own.

pip install quarterdeck
quarterdeck serve blueprints:app
"""

from quart import abort, g, url_for

from quarterdeck.app import Blueprint, Quart

ships = Blueprint("ships", __name__, url_prefix="/ships")
crew = Blueprint("crew", __name__, url_prefix="/<int:number>/crew")
ships.register_blueprint(crew)  # blueprints nest


@ships.url_value_preprocessor
def read_version(endpoint, values):
    g.version = values.pop("version", 1)


@ships.get("/")
async def index():
    return {"version": g.version, "first": url_for(".show", number=1)}


@ships.get("/<int:number>")
async def show(number: int):
    if number > 9:
        abort(404)
    return {"ship": number}


@ships.errorhandler(404)
async def no_such_ship(error):
    return {"error": "There is no such ship."}, 404


@ships.app_errorhandler(405)
async def not_like_this(error):
    return {"error": "Not with this method."}, 405


@ships.after_request
async def mark(response):
    response.headers["X-Part"] = "ships"
    return response


@crew.get("/")
async def hands(number: int):
    return {"ship": number, "crew": ["Ada", "Grace"]}


app = Quart(__name__)
app.register_blueprint(ships)
app.register_blueprint(ships, name="ships_v2", url_prefix="/v2/ships", url_defaults={"version": 2})


@app.get("/")
async def home():
    return {"ships": url_for("ships.index"), "v2": url_for("ships_v2.index")}
