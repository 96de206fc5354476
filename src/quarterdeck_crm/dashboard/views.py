"""The dashboard, the search over everything, and light or dark."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from quart import jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.login import current_user, login_required, public, redirect_next
from quarterdeck_crm.accounts.services import list_accounts
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import list_goods
from quarterdeck_crm.languages.words import month_name
from quarterdeck_crm.listing import MAX_COUNTED, Listing
from quarterdeck_crm.models import Role
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.orders.services import list_orders
from quarterdeck_crm.people.services import list_people
from quarterdeck_crm.search.filters import FIRST_DAY, LAST_DAY
from quarterdeck_crm.tasks.day import MAX_TASKS, read_next
from quarterdeck_crm.tasks.panels import read_bounds
from quarterdeck_crm.tasks.services import may_change

from . import bp as bp
from . import panels, services
from .charts import column_chart, share
from .everything import (
    FEW,
    MANY,
    TITLES,
    find_deals,
    find_files,
    find_notes,
    find_quickly,
    find_tasks,
    find_users,
)

MINE = Listing(sort="date", per_page=8, filters={"state": "open", "owner": "me"})
FIRST_TASKS = 5
START = "start"  # the cookie of a browser that hides the first steps
FINDERS = {
    "deals": find_deals,
    "tasks": find_tasks,
    "notes": find_notes,
    "files": find_files,
    "users": find_users,
}
THEMES = ("light", "dark")
THEME_COOKIE_AGE = timedelta(days=365)


@bp.get("/")
@login_required
async def index() -> str:
    session = db.session
    standing = await services.read_standing(session)
    currencies = list(standing.sales)
    currency = request.args.get("currency", "")
    if currency not in currencies:
        currency = currencies[0] if currencies else ""
    counts = await services.count_everything(session)
    return await render_template(
        "dashboard/index.html",
        standing=standing,
        counts=counts,
        mine=await list_orders(session, listing=MINE, actor=current_user),
        next_tasks=await read_next(session, user=current_user, limit=FIRST_TASKS),
        most_due=MAX_TASKS,
        bounds=await read_bounds(current_user),
        may_change=partial(may_change, current_user),
        most_counted=MAX_COUNTED,
        sold_url=partial(_sold_url, has_one=len(currencies) < 2),
        pipeline=await panels.read_pipeline(session),
        share=share,
        currencies=currencies,
        currency=currency,
        alerts=await services.count_failures() if current_user.role is Role.ADMIN else None,
        start=await _start(counts),
        **await _sales(currency, standing) if currency else {},
    )


async def _start(counts: services.Counts) -> dict[str, bool] | None:
    """Return which first steps of a company are done; None when they are not shown."""
    if current_user.role is not Role.ADMIN or request.cookies.get(START) == "off":
        return None
    steps = {"import": counts.accounts > 0, "invite": not await panels.is_alone(db.session)}
    return None if all(steps.values()) else steps


async def _sales(currency: str, standing: services.Standing) -> dict[str, object]:
    """Return the sales in one currency as the page shows them."""
    session = db.session
    until = standing.latest_sale(currency)
    shown, compared = services.months_until(until), services.months_until(utc_now().date(), 2)
    sales = await services.sales_by_month(session, currency=currency, months={*shown, *compared})
    months = [sales[day] for day in shown]
    month = _month(request.args.get("month", "")) or until
    return {
        "months": months,
        "chart": column_chart([(month_name(month.day), month.net) for month in months]),
        "compared": [sales[day] for day in compared],
        "month": services.Month(month.replace(day=1), Decimal(0), 0),
        "months_beside": (services.months_before(month, 1), services.months_before(month, -1)),
        "owners": await panels.sales_by_owner(session, currency=currency, month=month),
        "best_accounts": await services.best_accounts(session, currency=currency),
        "best_goods": await services.best_goods(session, currency=currency),
        "quiet": await panels.quiet_accounts(session, currency=currency),
        "idle_days": panels.IDLE_DAYS,
    }


def _sold_url(
    currency: str,
    month: services.Month | None = None,
    *,
    has_one: bool,
    account: int | None = None,
    owner: int | str | None = None,
) -> str:
    """Return the address of the list of the orders that a number adds up.

    Where all orders have one currency, the list needs no filter by it.
    """
    filters: dict[str, Any] = {
        "state": "sold",
        "currency": None if has_one else currency,
        "account": account,
        "owner": owner,
        "date_from": month.day.isoformat() if month else None,
        "date_to": month.last_day.isoformat() if month else None,
    }
    return url_for("orders.index", **{name: v for name, v in filters.items() if v is not None})


def _month(text: str) -> date | None:
    """Return the first day of a month such as ``2026-11``, if it is one with neighbours."""
    try:
        day = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


@bp.post("/start/dismiss")
@login_required
async def dismiss_start() -> ResponseReturnValue:
    """Hide the first steps in this browser."""
    response = redirect(url_for(".index"), 303)
    response.set_cookie(START, "off", max_age=THEME_COOKIE_AGE, samesite="Lax")
    return response


@bp.get("/search")
@login_required
async def search() -> str:
    """Search everything; ``only`` shows one of the kinds that have no list of their own."""
    q = Listing.from_args(request.args, sorts={"": None}, default="").q
    only = request.args.get("only", "")
    only = only if only in FINDERS else ""
    found: dict[str, Any] = {}
    if q and not only:
        by_name = Listing(q=q, sort="name", per_page=FEW)
        newest = Listing(q=q, sort="date", descending=True, per_page=FEW)
        found = {
            "orders": await list_orders(db.session, listing=newest),
            "accounts": await list_accounts(db.session, listing=by_name),
            "people": await list_people(db.session, listing=by_name),
            "goods": await list_goods(db.session, listing=by_name),
        }
    # One more than is shown tells whether there are more.
    limit = MANY if only else FEW
    hits = {
        kind: await find(db.session, q=q, limit=limit + 1)
        for kind, find in FINDERS.items()
        if q and only in ("", kind)
    }
    return await render_template(
        "dashboard/search.html", q=q, only=only, limit=limit, hits=hits, titles=TITLES, **found
    )


@bp.get("/search/quick")
@login_required
async def quick_search() -> ResponseReturnValue:
    """Return the best few of each kind for the palette, which is being typed into."""
    q = Listing.from_args(request.args, sorts={"": None}, default="").q
    found = await find_quickly(db.session, q=q)
    groups = [
        {
            "title": str(TITLES[kind]),
            "items": [{"title": hit.title, "detail": hit.detail, "url": hit.url} for hit in hits],
        }
        for kind, hits in found.items()
    ]
    return jsonify(groups)


@bp.post("/appearance")
@public
async def appearance() -> ResponseReturnValue:
    """Remember light, dark or as the system, where no script does it."""
    theme = (await request.form).get("theme")
    response = redirect_next(url_for("dashboard.index"), 303)
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=THEME_COOKIE_AGE, samesite="Lax")
    else:
        response.delete_cookie("theme")
    return response
