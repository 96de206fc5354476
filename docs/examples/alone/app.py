from quarterdeck.app import Quart

app = Quart(__name__)


@app.before_first_request
async def hoist():
    app.config["FLAG"] = "hoisted"


@app.get("/")
async def index():
    return app.config["FLAG"]
