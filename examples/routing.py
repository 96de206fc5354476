"""Routing: converters, redirects, subdomains and the addresses of views.

pip install quarterdeck
quarterdeck serve routing:app
quart --app routing routes                  # the list of routes
"""

from quart import url_for

from quarterdeck.app import Quart

app = Quart(__name__, subdomain_matching=True)
app.config["SERVER_NAME"] = "harbour.localhost:8000"


@app.get("/")
async def index():
    return {
        "ship": url_for("ship", number=7, deck="upper"),  # deck goes into the query string
        "berth": url_for("berth", berth="B4", _anchor="crane", _external=True),
        "office": url_for("office", town="oban"),
    }


@app.get("/ships/<int:number>", endpoint="ship")
async def show_ship(number: int):
    return f"Ship {number}"


@app.get("/berths/<regex('[A-Z][0-9]'):berth>")
async def berth(berth: str):
    return f"Berth {berth}"


@app.get("/call/<mobile:number>")  # a mobile number of mainland China
async def call(number: str):
    return f"Calling {number}"


@app.get("/logs/<path:file>")
@app.get("/logs/", defaults={"file": "today"})
async def log(file: str):
    return f"Log {file}"


@app.get("/find/<any(port, starboard):side>/<uuid:key>")
async def find(side: str, key):
    return f"{side} {key.hex}"


@app.get("/boats/<int:number>", redirect_to="/ships/<number>")
async def boat(number: int): ...


@app.get("/", subdomain="<town>")
async def office(town: str):
    return f"The office in {town}"


@app.route("/anchor", methods=["PUT", "DELETE"])  # any other method: 405 with Allow
async def anchor():
    return "", 204


app.add_url_rule("/tide", view_func=lambda: "Low", endpoint="tide", strict_slashes=False)
