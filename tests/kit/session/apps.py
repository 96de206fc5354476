"""The application that the tests of the browser session visit."""

from __future__ import annotations

import asyncio
from typing import Any

from markupsafe import Markup
from quart import Blueprint, Quart, abort, flash, get_flashed_messages, request, session, websocket
from quart.views import View

from quarterdeck.session import Session, SessionStore, save_session, stateless
from tests.plain import Quart as PlainQuart

SECRET = "only-for-tests"


def make_app(
    config: dict[str, Any] | None = None,
    *,
    store: SessionStore | None = None,
    app_class: type[Quart] = PlainQuart,
) -> Quart:
    """Return an app whose pages do one thing each with the session."""
    app = app_class(__name__)
    app.config.update({"SECRET_KEY": SECRET} | (config or {}))
    Session(app, store=store)
    _add_pages(app)
    _add_gates(app)
    _add_sockets(app)
    return app


@stateless
class StatelessPage(View):
    async def dispatch_request(self, **_: Any) -> str:
        return "no session"


def _add_pages(app: Quart) -> None:
    @app.get("/")
    async def index() -> Any:
        return dict(session)

    @app.get("/plain")
    async def plain() -> str:
        return "no session"

    @app.get("/public")
    @stateless
    async def public() -> str:
        return "no session"

    @app.get("/wrong")
    @stateless
    async def wrong() -> Any:
        return dict(session)

    bp = stateless(Blueprint("bp", __name__, url_prefix="/bp"))
    bp.get("/page")(plain)

    @bp.get("/gone")
    async def gone() -> str:
        abort(404)

    app.register_blueprint(bp)
    app.add_url_rule("/class", view_func=StatelessPage.as_view("class"))

    @app.post("/set")
    async def set_values() -> Any:
        session.update(await request.get_json())
        return dict(session)

    @app.post("/pop/<key>")
    async def pop(key: str) -> Any:
        return {"popped": session.pop(key, None)}

    @app.post("/append/<key>")
    async def append(key: str) -> Any:
        session[key].append(1)
        return dict(session)

    @app.post("/sign-in/<user>")
    async def sign_in(user: str) -> Any:
        session.clear()
        _regenerate()
        session["_user_id"] = user
        return dict(session)

    @app.post("/regenerate")
    async def regenerate() -> Any:
        _regenerate()
        return dict(session)

    @app.post("/sign-out")
    async def sign_out() -> Any:
        session.clear()
        return dict(session)

    @app.post("/flash")
    async def add_flash() -> str:
        await flash("saved", "success")
        await flash(Markup("<b>bold</b>"))
        return ""

    @app.get("/flashes")
    async def flashes() -> Any:
        shown: Any = get_flashed_messages(with_categories=True)
        return [[category, str(text), isinstance(text, Markup)] for category, text in shown]


def _regenerate() -> None:
    getattr(session, "regenerate", lambda: None)()


def _add_gates(app: Quart) -> None:
    """Pages that wait in the middle: the request has begun, its session is read."""
    app.extensions["gate"] = gate = Gate()

    @app.post("/slow/<key>")
    async def slow(key: str) -> Any:
        session[key] = key
        await gate.wait()
        return dict(session)

    @app.post("/slow-regenerate")
    async def slow_regenerate() -> Any:
        session["late"] = True
        _regenerate()
        await gate.wait()
        return dict(session)


class Gate:
    """Holds requests until it opens."""

    def __init__(self) -> None:
        self._arrivals = asyncio.Semaphore(0)
        self._open = asyncio.Event()

    async def wait(self) -> None:
        self._arrivals.release()
        await self._open.wait()

    async def until(self, number: int) -> None:
        """Return when so many more requests wait."""
        for _ in range(number):
            await self._arrivals.acquire()

    def open(self) -> None:
        self._open.set()


def _add_sockets(app: Quart) -> None:
    @app.websocket("/eager")
    async def eager() -> None:
        values = dict(session)
        await websocket.accept()
        await websocket.send_json(values)

    @app.websocket("/ws")
    async def socket() -> None:
        while True:
            message = await websocket.receive_json()
            session.update(message.get("set", {}))
            if message.get("clear"):
                session.clear()
            if message.get("regenerate"):
                _regenerate()
            if message.get("reload"):
                await session.reload()  # type: ignore[attr-defined]  # ours
            if message.get("save"):
                try:
                    await save_session()
                except RuntimeError as error:
                    await websocket.send_json({"error": str(error)})
                    continue
            if message.get("end"):
                return
            await websocket.send_json(dict(session))
