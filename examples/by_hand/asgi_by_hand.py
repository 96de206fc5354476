"""ASGI by hand: a web application without a framework, and a server for it.

python examples/by_hand/asgi_by_hand.py 8000

'hypercorn asgi_by_hand:app' serves the same application with a real server.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# --- the application: a function of a scope, which receives and sends messages ---------------


async def greet(scope: Message, receive: Receive) -> str:
    query = parse_qs(scope["query_string"].decode())
    return f"<h1>Hello, {escape(query.get('name', ['stranger'])[0])}.</h1>"


async def count(scope: Message, receive: Receive) -> str:
    size, more = 0, True
    while more:  # a large body comes in several messages
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    return f"{size} bytes"


VIEWS = {("GET", "/"): greet, ("POST", "/count"): count}


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close"})
    view = VIEWS.get((scope["method"], scope["path"]))
    body = "Not found" if view is None else await view(scope, receive)
    headers = [(b"content-type", b"text/html; charset=utf-8")]
    status = 404 if view is None else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


# --- a server: bytes of a socket become a scope, and messages become bytes -------------------


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(10):
        request_line, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        method, target, _ = request_line.decode("ascii").split(" ")
        path, _, query = target.partition("?")
        pairs = [line.split(b":", 1) for line in lines]
        headers = [(name.lower(), value.strip()) for name, value in pairs]
        body = await reader.readexactly(int(dict(headers).get(b"content-length", 0)))

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            reason = HTTPStatus(message["status"]).phrase
            writer.write(f"HTTP/1.0 {message['status']} {reason}\r\n".encode())
            writer.writelines(name + b": " + value + b"\r\n" for name, value in message["headers"])
            writer.write(b"\r\n")
        else:
            writer.write(message["body"])
            await writer.drain()

    scope = {"type": "http", "method": method, "path": unquote(path), "headers": headers}
    await app(scope | {"query_string": query.encode()}, receive, send)
    writer.close()


async def main(port: int) -> None:
    async with await asyncio.start_server(handle, "127.0.0.1", port) as server:
        print(f"Running on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 8000))
