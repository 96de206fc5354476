"""The page of the order's editor, which orders share with the form for a new account."""

from __future__ import annotations

from quart import render_template, request

from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import Conflict
from quarterdeck_crm.models import Order

from .forms import LineForm, OrderForm, tidy_lines
from .states import EDITABLE


async def form_class(order: Order | None = None) -> type[OrderForm]:
    """Return the form with the fields that administrators added, and those an order has."""
    ids = () if order is None else (order.id,)
    return extended(OrderForm, await read_extras(db.session, Order, ids))


async def read_form(order: Order | None = None) -> tuple[OrderForm, bool]:
    """Return the form, and whether it is to be saved; if not, a line was added or removed."""
    formdata = await request.form
    form = (await form_class(order))(tidy_lines(formdata, without=formdata.get("remove_line")))
    return form, not {"add_line", "remove_line"} & formdata.keys()


async def form_page(
    form: OrderForm, order: Order | None = None, conflict: Conflict | None = None
) -> str:
    """Return the page with a form and one more blank line."""
    if "owner_id" in form:
        await form.owner_id.offer(db.session, present=order.owner if order else None)
    if "lines" in form:
        await form.recognize_goods(db.session)
        form.mark_shortages()
        if not form.errors:
            form.lines.append_entry()
    form.number_lines()
    return await render_template(
        "orders/form.html",
        form=form,
        order=order,
        conflict=conflict,
        blank_line=LineForm(prefix="lines-__index__-"),
        fixed=order is not None and "lines" not in EDITABLE[order.state],
    )
