"""Likely duplicates: their list, and merging two records without losing anything."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from quarterdeck_crm.duplicates.moving import referring
from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.errors import ConflictError, ForbiddenError, MergedError, StaleError
from quarterdeck_crm.extensions import Model
from quarterdeck_crm.extras.fields import create_field
from quarterdeck_crm.models import (
    Account,
    Attachment,
    Contact,
    Deal,
    DuplicatePair,
    Note,
    Order,
    OrderState,
    OrderSum,
    Person,
    RecordTag,
    Role,
    SavedView,
    Tag,
    Task,
    User,
)
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.orders.sum_checks import compare_sums
from quarterdeck_crm.people.services import delete_person, get_person
from tests.crm.conftest import Auth, MakeUser
from tests.crm.test_attachments import PDF, upload
from tests.crm.trading import Trade

# Tables that name a record by kind and id, and what a merge does with them.
BY_KIND = {
    "activity": "moved",
    "bulk_run": "a list of ids, which refuses what is gone",
    "custom_value": "moved",
    "duplicate_key": "written again",
    "duplicate_pair": "removed",
    "note": "moved",
    "notification": "moved",
    "order_sum": "follows the orders",
    "record_tag": "moved",
    "search_word": "written again",
    "undo_item": "refused by its version",
}


async def run(trade: Trade, kept: Any, gone: Any, **options: Any) -> None:
    kind = kept.__tablename__
    async with trade.session() as session:
        await merge(
            session,
            actor=options.pop("actor", None),
            kind=kind,
            keep=(kept.id, options.pop("keep_version", kept.version)),
            other=(gone.id, gone.version),
            **options,
        )


async def count(trade: Trade, *conditions: Any) -> int:
    async with trade.session() as session:
        return await session.scalar(select(func.count()).where(*conditions)) or 0


def test_a_table_that_names_records_by_kind_is_known() -> None:
    """A new one must be moved, or have a reason here."""
    names = {"subject_id", "record_id"}
    found = {
        table.name for table in Model.metadata.tables.values() if names & {*table.columns.keys()}
    }
    assert found <= set(BY_KIND)
    assert {model for model, _column in referring(Account)} == {
        Account, Attachment, Deal, Order, Task,
    }  # fmt: skip


async def test_everything_of_an_account_moves(auth: Auth, user: User, trade: Trade) -> None:
    kept = await trade.account(name="Wool GmbH", city="Berlin", actor=user)
    gone = await trade.account(name="Wool", code="WOOL", phone="+49 30 901820", actor=user)
    both = await trade.person(
        gone, name="Ada", accounts=[{"account_id": a.id} for a in (kept, gone)]
    )
    alone = await trade.person(gone, name="Bo")
    good = await trade.good()
    day = date(2026, 3, 1)
    await trade.order((good, 3), account=gone, state=OrderState.PAID, ordered_on=day)
    await trade.order((good, 2), account=kept, state=OrderState.PAID, ordered_on=day)
    async with trade.session() as session:
        contact = await session.scalar(
            select(Contact.id).where(Contact.person_id == both.id, Contact.account_id == gone.id)
        )
        await add_note(session, actor=user, subject=gone, body="Likes merino")
        session.add(tag := Tag(name="Key"))
        await session.flush()
        session.add_all(
            RecordTag(kind="account", record_id=id_, tag_id=tag.id) for id_ in (kept.id, gone.id)
        )
    deal = await trade.deal(account_id=gone.id, contact_id=contact, name="Ten bales", actor=user)
    await trade.task(account_id=gone.id, title="Call")
    await upload(auth, f"/accounts/{gone.id}/files", "plan.pdf", PDF)
    await upload(auth, f"/deals/{deal.id}/files", "offer.pdf", PDF)
    before = len(await trade.history(kept)) + len(await trade.history(gone))

    page = f"/duplicates/account/{kept.id}/{gone.id}"
    form = {"keep": kept.id, f"version-{kept.id}": 1, f"version-{gone.id}": 1}
    take = {"take-code": gone.id, "take-phone": gone.id, "take-name": kept.id}
    merged = await auth.post(page, page=page, **form, **take)
    assert (merged.status_code, merged.location) == (303, f"/accounts/{kept.id}")

    for model in (Attachment, Contact, Deal, Order, Task):
        assert await count(trade, model.account_id == gone.id) == 0, model
    for model in (Order, Contact):
        assert await count(trade, model.account_id == kept.id) == 2, model
    assert await count(trade, Note.subject_id == kept.id) == 1
    assert await count(trade, Attachment.deal_id == deal.id) == 1
    assert await count(trade, RecordTag.record_id == kept.id) == 1
    assert await count(trade, Deal.contact_id.is_not(None)) == 1
    async with trade.session() as session:
        row = await session.get_one(Account, kept.id)
        assert (row.name, row.code, row.phone, row.city) == (
            "Wool GmbH", "WOOL", "+49 30 901820", "Berlin",
        )  # fmt: skip
        sums = select(OrderSum.number).where(
            OrderSum.series == "account", OrderSum.period == 0, OrderSum.subject_id == kept.id
        )
        assert (await session.scalars(sums)).all() == [2]
        assert await session.scalar(select(func.count(DuplicatePair.first_id))) == 0
        assert alone.id in await session.scalars(
            select(Contact.person_id).where(Contact.account_id == kept.id)
        )
    async with trade.app.app_context():
        assert await compare_sums() == []
    assert len(await trade.history(kept)) == before + 2

    old = await auth.get(f"/accounts/{gone.id}")
    assert (old.status_code, old.location) == (308, f"/accounts/{kept.id}")
    old = await auth.get(f"/api/v1/accounts/{gone.id}")
    assert (old.status_code, old.location) == (308, f"/api/v1/accounts/{kept.id}")
    late = await auth.post(f"/accounts/{gone.id}/edit", page="/auth/profile", name="Wool & Co")
    assert late.status_code == 409
    assert f'href="/accounts/{kept.id}">Open the other record</a>' in await late.get_data(
        as_text=True
    )
    again = await auth.post(page, page="/auth/profile", **form)
    assert (again.status_code, again.location) == (303, f"/accounts/{kept.id}")
    assert ">Wool</a>" not in await (await auth.get("/accounts/?archived=1")).get_data(as_text=True)


async def test_the_values_of_custom_fields_are_chosen(auth: Auth, user: User, trade: Trade) -> None:
    texts = ("Industry", "Region", "Channel", "Class")
    async with trade.session() as session:
        for label in texts:
            await create_field(
                session, actor=None, kind="account", values={"label": label, "type": "text"}
            )
    fields = {"industry": "Retail", "region": "North", "class": "A"}
    kept = await trade.account(name="Wool GmbH", actor=user, fields=fields)
    fields = {"industry": "Wholesale", "region": "South", "channel": "Fair", "class": "A"}
    gone = await trade.account(name="Wool", actor=user, fields=fields)

    page = f"/duplicates/account/{kept.id}/{gone.id}"
    shown = await (await auth.get(page)).get_data(as_text=True)
    offered = set(re.findall(r'name="take-fields\.(\w+)"', shown))
    assert offered == {"industry", "region"}, "there is no choice where only one has a value"
    assert "Fair" in shown
    form = {"keep": kept.id, f"version-{kept.id}": 1, f"version-{gone.id}": 1}
    take = {"take-fields.industry": gone.id, "take-fields.region": kept.id}
    assert (await auth.post(page, page=page, **form, **take)).status_code == 303

    read = await (await auth.get(f"/api/v1/accounts/{kept.id}")).get_json()
    assert read["fields"] == {
        "industry": "Wholesale", "region": "North", "channel": "Fair", "class": "A",
    }  # fmt: skip
    page = await (await auth.get(f"/accounts/{kept.id}")).get_data(as_text=True)
    assert "Industry changed from Retail to Wholesale" in page


async def test_what_still_names_a_merged_account_reaches_the_one_that_stays(
    auth: Auth, user: User, trade: Trade
) -> None:
    kept = await trade.account(name="Wool GmbH", code="OLD", actor=user)
    gone = await trade.account(name="Wool", code="WOOL", actor=user)
    view = await trade.view(arguments=f"account={gone.id}&state=open")
    other = await trade.view(arguments=f"account={gone.id}7&state=open")
    await run(trade, kept, gone, take=["code"])

    order = await trade.order(account=gone)
    deal = await trade.deal(account_id=gone.id)
    task = await trade.task(account_id=gone.id)
    assert [each.account_id for each in (order, deal, task)] == [kept.id] * 3
    async with trade.session() as session:
        assert (await session.get_one(SavedView, view.id)).arguments == (
            f"account={kept.id}&state=open"
        )
        assert (await session.get_one(SavedView, other.id)).version == 1
        codes = select(Account.code).order_by(Account.id)
        assert (await session.scalars(codes)).all() == ["WOOL", "OLD"]
    page = await (await auth.get(f"/orders/?account={gone.id}")).get_data(as_text=True)
    assert f"/orders/{order.id}" in page
    assert "Account: Wool GmbH" in page


async def test_nothing_can_be_lost_at_a_merged_account(
    auth: Auth, user: User, trade: Trade
) -> None:
    kept = await trade.account(name="Wool GmbH", actor=user)
    gone = await trade.account(name="Wool", actor=user)
    async with trade.session() as session:
        note = await add_note(session, actor=user, subject=gone, body="Likes merino")
    await run(trade, kept, gone)

    person = await trade.person(gone, name="Ada")
    rows: dict[str, Any] = {
        "people": person,
        "orders": await trade.order(account=gone),
        "deals": await trade.deal(account_id=gone.id),
        "tasks": await trade.task(account_id=gone.id),
    }
    for page, row in rows.items():
        found = await (await auth.get(f"/api/v1/{page}?account={gone.id}")).get_json()
        assert [each["id"] for each in found["items"]] == [row.id], page
        form = await (await auth.get(f"/{page}/new?account={gone.id}")).get_data(as_text=True)
        assert "Wool GmbH" in form, page
    async with trade.session() as session:
        assert [
            c.account_id for c in (await get_person(session, person_id=person.id)).contacts
        ] == [kept.id]
    found = await (await auth.get(f"/api/v1/notes?record=account&record_id={gone.id}")).get_json()
    assert [each["id"] for each in found["items"]] == [note.id]
    listed = await auth.get(f"/notes/account/{gone.id}")
    assert (listed.status_code, listed.location) == (308, f"/accounts/{kept.id}")
    entered = await auth.post(f"/notes/account/{gone.id}", page="/auth/profile", body="Lost?")
    assert entered.status_code == 409
    assert await count(trade, Note.subject_id == gone.id) == 0


async def test_a_person_at_both_accounts_keeps_the_title_and_stays_the_main_contact(
    trade: Trade,
) -> None:
    for has_main, expected in ((False, True), (True, False)):
        kept, gone = await trade.account(), await trade.account()
        both = await trade.person(
            accounts=[
                {"account_id": kept.id},
                {"account_id": gone.id, "is_main": True, "title": "Owner"},
            ]
        )
        if has_main:
            await trade.person(accounts=[{"account_id": kept.id, "is_main": True}])
        kept, gone = await _now(trade, kept), await _now(trade, gone)
        await run(trade, kept, gone)
        async with trade.session() as session:
            (place,) = (await get_person(session, person_id=both.id)).contacts
            assert (place.account_id, place.title) == (kept.id, "Owner")
            assert place.is_main is expected


async def _now(trade: Trade, account: Account) -> Account:
    async with trade.session() as session:
        return await session.get_one(Account, account.id)


async def test_people_join_their_numbers_and_a_refusal_holds(trade: Trade) -> None:
    account = await trade.account()
    kept = await trade.person(
        name="Ada Anker",
        phones=[{"label": "mobile", "number": "+49 171 2345678"}],
        emails=[{"email": "ada@x.example"}],
    )
    gone = await trade.person(
        account,
        name="Anker, Ada",
        do_not_contact=True,
        phones=[{"label": "mobile", "number": "0171 2345678"}, {"number": "030 901820"}],
        emails=[{"email": "ADA@x.example"}, {"email": "ada@y.example"}],
    )
    await run(trade, kept, gone)
    async with trade.session() as session:
        person = await get_person(session, person_id=kept.id)
        assert [each.number for each in person.phones] == ["+49 171 2345678", "030 901820"]
        assert [each.email for each in person.emails] == ["ada@x.example", "ada@y.example"]
        assert person.do_not_contact
        assert [each.account_id for each in person.contacts] == [account.id]
        await delete_person(session, actor=None, person=person)
    assert await count(trade, Person.id > 0) == 0, "the data of the merged record goes too"


async def test_records_of_others_are_compared_without_choices(
    auth: Auth, trade: Trade, make_user: MakeUser
) -> None:
    other = await make_user(Role.USER, "other@example.com")
    for city in ("Oslo", "Bergen"):
        await trade.account(
            name="Oak", city=city, email="o@oak-trees.example", phone="030 1", owner_id=other.id
        )
    listed = await (await auth.get("/duplicates/")).get_data(True)
    mail = "<span>o</span><wbr><span>@oak-trees</span><wbr><span>.example</span>"
    for part in (mail, "030 1"):
        assert f'<span class="whole">{part}</span>' in str(listed), "it moves to the next line"
    page = str(await (await auth.get("/duplicates/account/1/2")).get_data(True))
    assert "Only users who may edit both" in page
    assert "Oslo" in page
    assert "Bergen" in page
    assert 'type="radio"' not in page
    assert "cannot be undone" not in page
    assert page.count('href="/duplicates/?kind=account"') == 1, "the way back"


async def test_two_people_of_one_name_are_compared_by_place(auth: Auth, trade: Trade) -> None:
    consent: dict[str, Any] = {"consent_given_on": "2024-12-14", "consent_how": "By <phone>"}
    first = await trade.person(name="Ada", birthday="1967-08-28", **consent)
    second = await trade.person(name="Ada", **consent | {"consent_withdrawn_on": "2025-02-01"})
    page = await (await auth.get(f"/duplicates/person/{first.id}/{second.id}")).get_data(True)
    shown = re.sub(r"<time [^>]+>|</time>", "", str(page))
    for text in (
        "28 Aug 1967",
        "Given 14 Dec 2024, By &lt;phone&gt;</label>",
        "Given 14 Dec 2024, By &lt;phone&gt;, Withdrawn 1 Feb 2025</label>",
        'data-label="First"',
        'data-label="Second"',
    ):
        assert text in shown, text


async def test_a_stale_or_foreign_record_is_not_merged(trade: Trade, user: User) -> None:
    kept, gone = await trade.account(name="A"), await trade.account(name="B")
    with pytest.raises(StaleError):
        await run(trade, kept, gone, keep_version=7)
    await run(trade, kept, gone)
    with pytest.raises(MergedError):
        await run(trade, gone, await trade.account(name="C"))
    other = await trade.account(name="D")
    async with trade.session() as session:
        kept = await session.get_one(Account, kept.id)
        kept.owner_id = (await session.scalars(select(User.id))).first()
    stranger = User(id=user.id + 1, role=user.role)
    with pytest.raises(ForbiddenError):
        await run(trade, kept, other, actor=stranger)


async def test_a_record_in_use_is_not_put_away_in_an_archived_one(
    as_moderator: Auth, trade: Trade
) -> None:
    used, archived = await trade.account(name="Used"), await trade.account(name="Archived")
    assert (await as_moderator.post(f"/accounts/{archived.id}/archive")).status_code == 303
    problem = "Archived is archived. Restore it first, or keep the other record."
    headers = {"X-CSRFToken": await as_moderator.token(), "If-Match": '"2"'}
    body = {"other_id": used.id, "other_etag": "1"}
    path = f"/api/v1/accounts/{archived.id}/merge"
    refused = await as_moderator.client.post(path, json=body, headers=headers)
    assert refused.status_code == 422
    assert [error["detail"] for error in (await refused.get_json())["errors"]] == [problem]
    versions = {f"version-{used.id}": "1", f"version-{archived.id}": "2"}
    path = f"/duplicates/account/{used.id}/{archived.id}"
    page = await as_moderator.post(path, keep=archived.id, **versions)
    assert page.status_code == 422
    assert problem in await page.get_data(as_text=True)
    assert (await as_moderator.post(path, keep=used.id, **versions)).status_code == 303


async def test_of_two_merges_at_once_one_wins(trade: Trade) -> None:
    first, second = await trade.account(name="A"), await trade.account(name="B")
    done = await asyncio.gather(
        run(trade, first, second), run(trade, second, first), return_exceptions=True
    )
    failed = [error for error in done if error is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], ConflictError), failed
    assert await count(trade, Account.merged_into_id.is_not(None)) == 1


async def test_a_dismissed_pair_stays_away(auth: Auth, trade: Trade) -> None:
    first = await trade.account(name="Wool Ltd")
    second = await trade.account(name="Wool")
    page = await (await auth.get("/duplicates/")).get_data(as_text=True)
    assert "Same name" in page
    path = f"/duplicates/account/{first.id}/{second.id}"
    page = await (await auth.get(path)).get_data(as_text=True)
    assert "Merge into one" in page
    assert (await auth.post(f"{path}/dismiss")).status_code == 303
    async with trade.session() as session:
        (await session.get_one(Account, first.id)).name = "WOOL ltd"
    page = await (await auth.get("/duplicates/")).get_data(as_text=True)
    assert "No likely duplicates" in page


async def test_a_form_warns_once_and_saves_at_the_second_press(auth: Auth, trade: Trade) -> None:
    account = await trade.account(name="Wool GmbH", phone="+49 30 901820")
    await trade.person(name="Ada Anker")
    found = await auth.get("/accounts/similar?name=wool&phone=030%20901820")
    assert await found.get_json() == [
        {"name": "Wool GmbH", "words": ["Same name", "Same phone number"], "url": "/accounts/1"}
    ]
    itself = await auth.get(f"/accounts/similar?name=wool&apart_from={account.id}")
    assert await itself.get_json() == []
    for path, name, shown in (
        ("/accounts/new", "WOOL", "Wool GmbH"),
        ("/people/new", "Anker, Ada", "Ada Anker"),
    ):
        warned = await auth.post(path, name=name, version=0)
        page = await warned.get_data(as_text=True)
        assert warned.status_code == 422
        assert "This may exist already" in page
        assert shown in page
        assert 'name="anyway"' in page
        assert (await auth.post(path, name=name, version=0, anyway=1)).status_code == 303


async def test_a_program_lists_and_merges(as_moderator: Auth, trade: Trade) -> None:
    async with trade.session() as session:
        size = {"label": "Size", "type": "number"}
        await create_field(session, actor=None, kind="account", values=size)
    kept = await trade.account(name="Wool GmbH", fields={"size": 3})
    gone = await trade.account(name="Wool", city="Berlin", fields={"size": 12})
    listed = await (await as_moderator.get("/api/v1/duplicates")).get_json()
    (pair,) = listed["items"]
    assert (pair["first_id"], pair["second_id"], pair["reasons"]) == (kept.id, gone.id, ["name"])
    headers = {"X-CSRFToken": await as_moderator.token(), "If-Match": '"1"'}
    body = {"other_id": gone.id, "other_etag": "7", "take": ["city", "fields.size"]}
    path = f"/api/v1/accounts/{kept.id}/merge"
    stale = await as_moderator.client.post(path, json=body, headers=headers)
    assert stale.status_code == 412
    body["other_etag"] = "1"
    merged = await as_moderator.client.post(path, json=body, headers=headers)
    answer = await merged.get_json()
    assert (answer["city"], answer["fields"]) == ("Berlin", {"size": "12"})
    assert (await (await as_moderator.get("/api/v1/duplicates")).get_json())["items"] == []
