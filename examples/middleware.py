"""Middleware: wrap ``app.asgi_app``; and an ASGI app by hand, without a framework.

pip install quarterdeck
quarterdeck serve middleware:app
"""

from time import perf_counter

from quarterdeck.app import Quart

app = Quart(__name__)


class Timing:
    """Add a header with the time that the app took, to HTTP responses only."""

    def __init__(self, asgi_app):
        self.asgi_app = asgi_app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":  # WebSockets and the lifespan pass through
            await self.asgi_app(scope, receive, send)
            return
        started = perf_counter()

        async def timed(message):
            if message["type"] == "http.response.start":
                took = f"app;dur={1000 * (perf_counter() - started):.1f}".encode()
                message["headers"] = [*message["headers"], (b"server-timing", took)]
            await send(message)

        await self.asgi_app(scope, receive, timed)


async def lighthouse(scope, receive, send):
    """All that a server asks of an app: read a scope, send a start and a body."""
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"Seen: {scope['path']}".encode()})


class Mounted:
    """Give the paths below a prefix to another ASGI app."""

    def __init__(self, asgi_app, prefix, other):
        self.asgi_app, self.prefix, self.other = asgi_app, prefix, other

    async def __call__(self, scope, receive, send):
        is_below = scope["type"] == "http" and scope["path"].startswith(self.prefix)
        await (self.other if is_below else self.asgi_app)(scope, receive, send)


app.asgi_app = Timing(Mounted(app.asgi_app, "/lighthouse", lighthouse))


@app.get("/")
async def index():
    return "Harbour"
