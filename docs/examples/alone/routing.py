from quart import Quart

from quarterdeck.routing import register_converters

app = Quart(__name__)
register_converters(app)


@app.get('/berth/<regex("[A-Z][0-9]"):berth>')
async def berth(berth):
    return f"Berth {berth}"
