"""Request and response: all parts of a request, and all ways to answer it.

pip install quarterdeck
quarterdeck serve request_response:app
"""

from pathlib import Path

from quart import abort, jsonify, make_response, redirect, request, url_for

from quarterdeck.app import Quart, Request, send_file


class HarbourRequest(Request):
    """A request with a property of its own."""

    @property
    def is_ship(self) -> bool:
        return self.headers.get("X-Sender") == "ship"


app = Quart(__name__)
app.request_class = HarbourRequest


@app.route("/echo", methods=["GET", "POST"])
async def echo():
    return jsonify(
        method=request.method,
        path=request.path,
        query=request.args.to_dict(flat=False),
        form=(await request.form).to_dict(),
        json=await request.get_json(silent=True),
        ship=request.is_ship,
    )


@app.post("/ships")
async def create():
    name = (await request.get_json())[
        "name"
    ]  # 400 for a body that is no JSON, 415 without its type
    return {"name": name}, 201, {"Location": url_for("ship", name=name)}


@app.get("/ships/<name>")
async def ship(name: str):
    if name == "titanic":
        abort(404, "This ship has sunk.")
    response = await make_response(f"<h1>{name.title()}</h1>")
    response.headers["X-Berth"] = "B4"
    response.set_cookie("last", name, max_age=3600, httponly=True, samesite="Lax")
    return response


@app.get("/forget")
async def forget():
    response = redirect(url_for("echo"))
    response.delete_cookie("last")
    return response


@app.get("/source")
async def source():
    return await send_file(Path(__file__), conditional=True)  # type, ETag and ranges


@app.get("/numbers")
async def numbers():
    async def lines():
        for number in range(3):
            yield f"{number}\n"

    return lines(), {"Content-Type": "text/plain"}


@app.errorhandler(404)
async def not_found(error):
    return {"error": error.description}, 404
