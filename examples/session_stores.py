"""Session stores: the same code with each store, chosen by one key.

pip install quarterdeck
quarterdeck serve session_stores:app
SESSION_TYPE=redis quarterdeck serve session_stores:app       # quarterdeck[redis]
"""

import os

from quart import Quart, session, websocket

from quarterdeck.session import Session, save_session

app = Quart(__name__)
app.config.update(
    SECRET_KEY="change this text",
    # null (a signed cookie), filesystem, redis, memcached, mongodb, sqlalchemy, cachelib
    SESSION_TYPE=os.environ.get("SESSION_TYPE", "filesystem"),
    SESSION_PERMANENT=False,  # the cookie ends with the browser
    SESSION_IDLE_SECONDS=3600,
)
Session(app)


@app.get("/")
async def index():
    session["visits"] = session.get("visits", 0) + 1
    return f"Visit {session['visits']}"


@app.get("/forget")
async def forget():
    session.pop("visits", None)
    return "Forgotten"


@app.get("/new-id")
async def new_id():
    session.regenerate()  # as login_user does
    return "A new id, the same contents"


@app.get("/end")
async def end():
    session.clear()  # the store deletes the row
    return "Ended"


@app.websocket("/ws")
async def socket():
    while True:
        session["said"] = await websocket.receive()
        await save_session()
        await websocket.send(f"{session.get('visits', 0)} visits")
