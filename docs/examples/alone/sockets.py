from quart import Quart

from quarterdeck.sockets import Hub, Member

app = Quart(__name__)
hub = Hub(app)


@hub.identify
async def identify():
    return Member("1", "Endeavour")


@hub.room("harbour:<name>")
async def may_enter(member, name):
    return True


@app.websocket("/ws")
async def live():
    await hub.serve()


@app.post("/arrive/<name>")
async def arrive(name):
    return await hub.publish(f"harbour:{name}", "arrived", {"ship": "Endeavour"})
