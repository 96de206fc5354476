"""The rules for the values of an order, for forms and the API alike.

Imports have rules of their own: they record orders of the past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.extras.records import check_extras
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages.words import state_word
from quarterdeck_crm.models import Account, Order, OrderLine, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.permissions import owner_problem
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.validation import Problems

from .lines import LineEntry, build_lines, same_lines
from .states import EDITABLE, HEADER

IN_THE_PAST = _l("This day is in the past. Enter the day on which the customer needs the goods.")
BEFORE_ORDER = _l("This is before the order date.")
# When it is yesterday in UTC, it is still today in some countries.
BEHIND_UTC = timedelta(hours=12)


class Checked(NamedTuple):
    """What an order can have.

    Attributes:
        header: The values of the header, and the extras of the order.
        lines: The rows of all lines; None if they stay as they are.
        account: The account, if it is new to the order; kept, so that it is read once.
    """

    header: dict[str, Any]
    lines: list[OrderLine] | None
    account: Account | None


def new_header(values: Mapping[str, Any], *, actor: User | None) -> dict[str, Any]:
    """Return the header of a new order: the owner is the actor and the day is today, if absent."""
    defaults = {"owner_id": actor.id if actor else None, "ordered_on": utc_now().date()}
    return defaults | dict(values)


async def check_order(
    session: AsyncSession,
    *,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry] | None,
    order: Order | None = None,
    lock: bool = True,
) -> Checked:
    """Return a header and lines that an order can have.

    Args:
        session: The db session.
        values: The header; for a new order all of it.
        lines: All lines; None if they stay as they are.
        order: The order that is edited.
        lock: Whether the account stays as it is until the transaction ends. False for a check
            of a form, outside of any transaction.

    Raises:
        ValidationError: With the problems of the header and of all lines at once; those of
            lines by keys as ``lines-0-quantity``.
    """
    problems = Problems()
    cleaned = problems.clean(Order, values, fields=HEADER, complete=order is None, row=order)
    _refuse_fixed(problems, cleaned, lines, order)
    account = await _check_rows(session, problems, cleaned, order, lock=lock)
    _check_days(problems, cleaned, order)
    extras = await check_extras(session, problems, values, Order, order)
    built: list[OrderLine] | None = None
    if lines is not None and (order is None or "lines" in EDITABLE[order.state]):
        with problems.collected():
            built = await build_lines(
                session,
                lines,
                currency=cleaned.get("currency", order.currency if order else None),
                allowed={line.good_id for line in order.lines} if order else (),
                row=OrderLine,
            )
    problems.raise_if_any()
    return Checked(cleaned | extras, built, account)


def _refuse_fixed(
    problems: Problems,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry] | None,
    order: Order | None,
) -> None:
    """Refuse changes to fields that the state of the order fixes."""
    if order is None:
        return
    editable = EDITABLE[order.state]
    text = _(
        "The order is %(state)s. This can no longer be changed.", state=state_word(order.state)
    )
    for name, value in values.items():
        if name not in editable and value != getattr(order, name):
            problems.add(name, text)
    if lines is not None and "lines" not in editable and not same_lines(lines, order.lines):
        problems.add("lines", text)


async def _check_rows(
    session: AsyncSession,
    problems: Problems,
    values: dict[str, Any],
    order: Order | None,
    *,
    lock: bool,
) -> Account | None:
    """Refuse an account or owner that cannot be; return an account that is new to the order.

    If the account was merged, ``values`` get the one that stays.
    """
    account: Account | None = None
    account_id = _changed(values, "account_id", order)
    if account_id is not None:
        # Who archives or merges the account now waits for the order.
        account = await find_account(session, account_id, lock=lock)
        if account is None:
            problems.add("account_id", _("Choose an account."))
        elif account.archived_at is not None:
            problems.add(
                "account_id", _("%(name)s is archived. Restore it first.", name=account.name)
            )
        else:
            values["account_id"] = account.id
    owner_id = _changed(values, "owner_id", order)
    if owner_id is not None and (problem := await owner_problem(session, owner_id)):
        problems.add("owner_id", problem)
    return account


def _check_days(problems: Problems, values: Mapping[str, Any], order: Order | None) -> None:
    """Refuse a new day of delivery that is past; one that was stored in time may stay."""
    required_on: date | None = _changed(values, "required_on", order)
    if required_on is None:
        return
    ordered_on = values.get("ordered_on", order.ordered_on if order else None)
    if required_on < (utc_now() - BEHIND_UTC).date():
        problems.add("required_on", IN_THE_PAST)
    elif ordered_on is not None and required_on < ordered_on:
        problems.add("required_on", BEFORE_ORDER)


def _changed(values: Mapping[str, Any], name: str, order: Order | None) -> Any:
    """Return a value that differs from that of the order; None if it does not."""
    value = values.get(name)
    return None if order is not None and value == getattr(order, name) else value
