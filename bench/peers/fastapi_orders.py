"""The order list on FastAPI and SQLAlchemy's asyncio extension."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.middleware.sessions import SessionMiddleware
from werkzeug.local import LocalProxy

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm import paths
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Order, User

from . import page

engine = create_async_engine(os.environ["BENCH_FASTAPI_URL"])
STATIC = paths.static_path()
new_session = async_sessionmaker(engine, expire_on_commit=False)
jinja_env = Environment(loader=page.loader(), autoescape=True)
# The templates import macros without their context, so they read the request as a global.
rendered_for: ContextVar[SimpleNamespace] = ContextVar("rendered_for")


async def db_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


async def signed_in(
    request: Request, session: Annotated[AsyncSession, Depends(db_session)]
) -> User:
    user_id = request.session.get("user_id", 0)
    user = page.with_unread((await session.execute(page.user_with_unread(user_id))).one_or_none())
    if user is None:
        raise HTTPException(401)
    return user


def create_app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key=page.SECRET_KEY)
    app.mount(STATIC, StaticFiles(directory=paths.STATIC), name="static")
    app.add_api_route("/orders/", orders, name="orders.index", response_class=HTMLResponse)
    app.add_api_route("/sign-in", sign_in)
    page.prepare(SimpleNamespace(jinja_env=jinja_env))
    jinja_env.globals.update(
        url_for=url_for,
        get_flashed_messages=lambda **_: [],
        request=LocalProxy(rendered_for),
        csrf_token=lambda: page.csrf_token(rendered_for.get().session["csrf"]),
    )
    return app


def url_for(endpoint: str, **values: Any) -> str:
    """Fill in a path from a table: Starlette's own search through all routes is slower."""
    if endpoint == "static":
        return f"{STATIC}/{values['filename']}"
    path = page.LINKS[f"orders{endpoint}" if endpoint.startswith(".") else endpoint]
    query = {key: value for key, value in values.items() if value and f"{{{key}}}" not in path}
    url = path.format(**values)
    return f"{url}?{urlencode(query)}" if query else url


async def sign_in(request: Request) -> Response:
    request.session.update(user_id=1, csrf=secrets.token_urlsafe(32))
    return PlainTextResponse("")


async def orders(
    request: Request,
    user: Annotated[User, Depends(signed_in)],
    session: Annotated[AsyncSession, Depends(db_session)],
) -> HTMLResponse:
    args: Any = request.query_params
    listing = Listing.from_args(args, sorts=dict.fromkeys(page.SORTS), default="-date")
    offset = (listing.page - 1) * listing.per_page
    found = await session.scalars(page.statement().limit(listing.per_page).offset(offset))
    total = await session.scalar(select(func.count()).select_from(Order))
    one_page = Pagination(found.all(), page=listing.page, per_page=listing.per_page, total=total)
    users = (await session.execute(page.users())).all()
    rendered_for.set(_as_in_flask(request))
    template = jinja_env.get_template("orders/index.html")
    html = template.render(current_user=user, **page.values(listing, one_page, users))
    return HTMLResponse(html, headers=page.ANSWER_HEADERS)


def _as_in_flask(request: Request) -> SimpleNamespace:
    """Return the parts of the request that the templates read, by Flask's names."""
    return SimpleNamespace(
        method=request.method,
        cookies=request.cookies,
        headers=request.headers,
        session=request.session,
        args=request.query_params,
        endpoint="orders.index",
        blueprint="orders",
        full_path=f"{request.url.path}?{request.url.query}",
    )
