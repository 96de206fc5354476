"""What a deal may hold: its values, its lines, and the records that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.extras.records import (
    check_extras,
)
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import (
    Contact,
    Deal,
    DealLine,
    DealStage,
    StageKind,
)
from quarterdeck_crm.orders.lines import LineEntry, build_lines, sum_amounts
from quarterdeck_crm.permissions import owner_problem
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.validation import Problems

FIELDS = (
    "name",
    "account_id",
    "contact_id",
    "owner_id",
    "value",
    "currency",
    "own_probability",
    "expected_on",
    "remark",
)
NO_OPEN_STAGE = _l("Choose a stage for open deals.")


async def check_deal(
    session: AsyncSession,
    *,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry] | None,
    deal: Deal | None = None,
    stage_id: int | None = None,
    lock: bool = True,
) -> tuple[dict[str, Any], list[DealLine] | None]:
    """Return values and lines that a deal can have; None if the lines stay as they are.

    Args:
        session: The db session.
        values: The entries; for a new deal all of them.
        lines: All lines; None if they stay as they are.
        deal: The deal that is edited.
        stage_id: The stage of a new deal.
        lock: Whether the account stays as it is until the transaction ends. False for a check
            of a form, outside of any transaction.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(Deal, values, fields=FIELDS, complete=deal is None, row=deal)
    own = cleaned.get("own_probability")
    if own is not None and not 0 <= own <= 100:
        problems.add("own_probability", _("Enter a whole number from 0 to 100."))
    await _check_rows(session, problems, cleaned, deal, lock=lock)
    if deal is None:
        with problems.collected("stage_id"):
            await _require_open(session, stage_id)
    cleaned |= await check_extras(session, problems, values, Deal, deal)
    built: list[DealLine] | None = None
    if lines is not None:
        with problems.collected():
            built = await build_lines(
                session,
                lines,
                currency=cleaned.get("currency", deal.currency if deal else None),
                allowed={line.good_id for line in deal.lines} if deal else (),
                row=DealLine,
            )
    problems.raise_if_any()
    present = built if built is not None else (deal.lines if deal else [])
    if present:
        cleaned["value"] = sum_amounts(present)
    return cleaned, built


async def _check_rows(
    session: AsyncSession,
    problems: Problems,
    values: dict[str, Any],
    deal: Deal | None,
    *,
    lock: bool,
) -> None:
    """Refuse an account, a contact or an owner that is not there.

    If the account was merged, ``values`` get the one that stays.
    """

    def changed(name: str) -> Any:
        value = values.get(name)
        return None if deal is not None and value == getattr(deal, name) else value

    if (account_id := changed("account_id")) is not None:
        # Who archives or merges the account now waits for the deal.
        account = await find_account(session, account_id, lock=lock)
        if account is None:
            problems.add("account_id", _("Choose an account."))
        elif account.is_archived:
            problems.add(
                "account_id", _("%(name)s is archived. Restore it first.", name=account.name)
            )
        else:
            values["account_id"] = account.id
    contact_id = values.get("contact_id", deal.contact_id if deal else None)
    account_id = values.get("account_id", deal.account_id if deal else None)
    if contact_id is not None and (changed("contact_id") or changed("account_id")):
        contact = await session.get(Contact, contact_id)
        if contact is None or contact.account_id != account_id:
            problems.add("contact_id", _("Choose a contact of the account."))
    owner_id = changed("owner_id")
    if owner_id is not None and (problem := await owner_problem(session, owner_id)):
        problems.add("owner_id", problem)


async def _require_open(session: AsyncSession, stage_id: int | None) -> None:
    if stage_id is None:
        return
    stage = await session.get(DealStage, stage_id)
    if stage is None or stage.kind is not StageKind.OPEN:
        raise ValueError(str(NO_OPEN_STAGE))
