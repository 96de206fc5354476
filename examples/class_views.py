"""Class views: one class per resource, a method per HTTP method, decorators for all of them.

pip install quarterdeck
quarterdeck serve class_views:app
curl --json '{"name": "Endeavour"}' http://127.0.0.1:8000/ships/
"""

from functools import wraps

from quart import request
from quart.views import MethodView, View

from quarterdeck.app import Quart

app = Quart(__name__)
ships: dict[int, str] = {}


def counted(view):
    """A decorator of your own: keep the name of the view, and await it."""

    @wraps(view)
    async def wrapper(*args, **kwargs):
        response = await app.make_response(await view(*args, **kwargs))
        response.headers["X-Ships"] = str(len(ships))
        return response

    return wrapper


class Fleet(MethodView):
    decorators = [counted]

    async def get(self):
        return ships

    async def post(self):
        number = len(ships) + 1
        ships[number] = (await request.get_json())["name"]
        return {"number": number}, 201


class Ship(MethodView):
    init_every_request = False

    async def get(self, number: int):
        return {"name": ships[number]}

    async def delete(self, number: int):
        ships.pop(number, None)
        return "", 204


class Page(View):
    """A view that is given what differs between its routes."""

    methods = ["GET"]

    def __init__(self, text: str) -> None:
        self.text = text

    async def dispatch_request(self):
        return self.text


@app.errorhandler(KeyError)
async def not_here(error: KeyError):
    return {"error": f"There is no ship {error}."}, 404


app.add_url_rule("/ships/", view_func=Fleet.as_view("fleet"))
app.add_url_rule("/ships/<int:number>", view_func=Ship.as_view("ship"))
app.add_url_rule("/about", view_func=Page.as_view("about", "A harbour."))
app.add_url_rule("/hours", view_func=Page.as_view("hours", "Always open."))
