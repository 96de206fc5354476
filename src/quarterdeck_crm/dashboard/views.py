"""The dashboard, the search over everything, and light or dark."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from quart import render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.login import current_user, login_required, public, redirect_next
from quarterdeck_crm.accounts.services import list_accounts
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import list_goods
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Role
from quarterdeck_crm.orders.services import list_orders
from quarterdeck_crm.people.services import list_people
from quarterdeck_crm.tasks.day import read_day
from quarterdeck_crm.tasks.panels import read_bounds
from quarterdeck_crm.tasks.services import may_change

from . import bp as bp
from . import services
from .charts import column_chart, share

MINE = Listing(sort="date", per_page=8, filters={"state": "open", "owner": "me"})
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
    return await render_template(
        "dashboard/index.html",
        standing=standing,
        counts=await services.count_everything(session),
        most_lines=services.MAX_LINES,
        mine=await list_orders(session, listing=MINE, actor=current_user),
        day=await read_day(session, user=current_user, undated=False),
        bounds=await read_bounds(current_user),
        may_change=partial(may_change, current_user),
        currencies=currencies,
        currency=currency,
        alerts=await services.count_failures() if current_user.role is Role.ADMIN else None,
        **await _sales(currency, standing) if currency else {},
    )


async def _sales(currency: str, standing: services.Standing) -> dict[str, object]:
    """Return the sales in one currency as the page shows them."""
    session = db.session
    until = standing.latest_sale(currency)
    months = await services.sales_by_month(session, currency=currency, until=until)
    return {
        "share": share,
        "months": months,
        "chart": column_chart([(f"{month.day:%b}", month.net) for month in months]),
        "best_accounts": await services.best_accounts(session, currency=currency),
        "best_goods": await services.best_goods(session, currency=currency),
    }


@bp.get("/search")
@login_required
async def search() -> str:
    """Search accounts, people, goods and orders at once."""
    q = Listing.from_args(request.args, sorts={"": None}, default="").q
    found = {}
    if q:
        by_name = Listing(q=q, sort="name", per_page=8)
        newest = Listing(q=q, sort="date", descending=True, per_page=8)
        found = {
            "orders": await list_orders(db.session, listing=newest),
            "accounts": await list_accounts(db.session, listing=by_name),
            "people": await list_people(db.session, listing=by_name),
            "goods": await list_goods(db.session, listing=by_name),
        }
    return await render_template("dashboard/search.html", q=q, **found)


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
