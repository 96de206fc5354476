"""An API with quart-schema: checked input and output, an OpenAPI document, a page of docs.

pip install quarterdeck quart-schema
quarterdeck serve api:app                   # /docs, /openapi.json
curl --json '{"name": "Endeavour", "tons": 368}' http://127.0.0.1:8000/ships
"""

from dataclasses import dataclass

from quart import abort
from quart_schema import Info, QuartSchema, RequestSchemaValidationError
from quart_schema import validate_querystring, validate_request, validate_response

from quarterdeck.app import Quart

app = Quart(__name__)
QuartSchema(app, info=Info("Harbour", "1.0"), conversion_preference="msgspec")


@dataclass
class ShipIn:
    name: str
    tons: int


@dataclass
class Ship(ShipIn):
    id: int


@dataclass
class Filter:
    min_tons: int = 0


ships: dict[int, Ship] = {}


@app.get("/ships")
@validate_querystring(Filter)
@validate_response(list[Ship])
async def list_ships(query_args: Filter):
    """List the ships."""
    return [ship for ship in ships.values() if ship.tons >= query_args.min_tons]


@app.post("/ships")
@validate_request(ShipIn)
@validate_response(Ship, 201)
async def add_ship(data: ShipIn):
    """Add a ship."""
    ship = ships[len(ships) + 1] = Ship(data.name, data.tons, len(ships) + 1)
    return ship, 201


@app.delete("/ships/<int:number>")
async def remove_ship(number: int):
    """Remove a ship. Doing it twice is the same as once."""
    ships.pop(number, None)
    return "", 204


@app.get("/ships/<int:number>")
@validate_response(Ship)
async def get_ship(number: int):
    """Show a ship."""
    return ships.get(number) or abort(404)


@app.errorhandler(RequestSchemaValidationError)
async def invalid(error):
    return {"error": str(error.validation_error)}, 400
