"""Tags: chosen in forms, filters of lists, the same for programs, kept by administrators."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from quart import Response

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.errors import ForbiddenError, ValidationError
from quarterdeck_crm.extras.records import tags_of, tags_with
from quarterdeck_crm.extras.tags import (
    count_uses,
    get_tag,
    list_tags,
    merge_tags,
    remove_tag,
    update_tag,
)
from quarterdeck_crm.history.recording import list_history
from quarterdeck_crm.models import Tag, User
from quarterdeck_crm.people.services import delete_person, get_person
from quarterdeck_crm.saved_views.services import create_view
from tests.crm.conftest import Auth
from tests.crm.extras import audit_lines
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


def names(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="[^"]*">([^<]*)<', page)


async def tag_names(trade: Trade) -> list[str]:
    async with trade.session() as session:
        return [tag.name for tag in await list_tags(session)]


async def test_a_form_adds_chooses_and_removes_tags(auth: Auth, user: User, trade: Trade) -> None:
    account = await trade.account(actor=user, name="Ernst Handel")
    await trade.account(actor=user, name="Other", tags="key  ACCOUNT")
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    entries = [*sheet.values.items(), ("tags", "key ACCOUNT"), ("tags", "Wine, wine ,")]
    saved = await auth.client.post(page, data=urlencode(entries), headers=FORM)
    assert saved.status_code == 303, await text_of(saved)

    assert await tag_names(trade) == ["key ACCOUNT", "Wine"], "a spelling that is there is taken"
    shown = await text_of(await auth.get("/accounts/1"))
    assert 'class="tag tag-grey" href="/accounts/?tag=2">Wine<' in shown
    assert "Tags set to key ACCOUNT, Wine" in shown
    listed = await text_of(await auth.get("/accounts/?tag=2"))
    assert names(listed) == ["Ernst Handel"]
    assert '<option value="2" selected>Wine' in listed
    assert names(await text_of(await auth.get("/accounts/?tag=1"))) == ["Ernst Handel", "Other"]
    assert names(await text_of(await auth.get("/accounts/?tag=9"))) == []

    form = await text_of(await auth.get(page))
    assert form.count("checked") == 2
    sheet = sheet_to(form, page, address=page)
    late = dict(sheet.values)
    emptied = await auth.client.post(page, form=sheet.values | {"tags_id": "", "tags": ""})
    assert emptied.status_code == 303
    refused = await auth.client.post(page, form=late | {"tags": "Beer", "city": "Graz"})
    assert refused.status_code == 409
    conflict = await text_of(refused)
    assert re.search(r"<th scope=\"row\">Tags</th>\s*<td><span class=\"soft\">empty", conflict)
    assert 'value="Beer"' in conflict, "the entry stays"
    async with trade.session() as session:
        assert not await tags_of(session, account)


async def test_a_wrong_tag_is_refused_beside_its_field(
    auth: Auth, user: User, trade: Trade
) -> None:
    await trade.account(actor=user)
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    for text, reason in {
        "x" * 41: "At most 40 characters",
        "a\x07b": "Remove the control characters",
        ",".join(f"t{n}" for n in range(21)): "at most 20 tags",
    }.items():
        refused = await auth.client.post(page, form=sheet.values | {"tags": text})
        assert refused.status_code == 422, text
        answer = await text_of(refused)
        assert reason in answer
        assert 'href="#tags"' in answer
    assert not await tag_names(trade)


@pytest.mark.parametrize("kind", ["accounts", "people", "goods", "deals", "orders"])
async def test_each_kind_has_tags_on_pages_and_for_programs(
    as_admin: Auth, admin: User, trade: Trade, kind: str
) -> None:
    make: dict[str, Any] = {
        "accounts": trade.account,
        "people": trade.person,
        "goods": trade.good,
        "deals": trade.deal,
        "orders": trade.order,
    }
    await make[kind]()
    await make[kind](tags=["Other"])
    patch = {"tags": ["Wine", "New one"]}
    etag = (await as_admin.get(f"/api/v1/{kind}/1")).headers["ETag"]
    headers = {"If-Match": etag, "X-CSRFToken": await as_admin.token()}
    changed = await as_admin.client.patch(f"/api/v1/{kind}/1", json=patch, headers=headers)
    assert changed.status_code == 200, await text_of(changed)
    assert (await changed.get_json())["tags"] == ["New one", "Wine"]
    assert changed.headers["ETag"] != etag, "another save now conflicts"
    for match in (etag, '""', '"x-1", ""'):
        late = await as_admin.client.patch(
            f"/api/v1/{kind}/1", json=patch, headers=headers | {"If-Match": match}
        )
        assert late.status_code == 412, match

    listed = await (await as_admin.get(f"/api/v1/{kind}?tag=3")).get_json()
    assert [(row["id"], row["tags"]) for row in listed["items"]] == [(1, ["New one", "Wine"])]
    page = await text_of(await as_admin.get(f"/{kind}/?tag=3"))
    assert len(names(page)) == 1
    assert 'class="tag tag-grey">Wine<' in page
    shown = await text_of(await as_admin.get(f"/{kind}/1"))
    assert f'href="/{kind}/?tag=3">Wine<' in shown
    form = await text_of(await as_admin.get(f"/{kind}/1/edit"))
    assert form.count('type="checkbox" name="tags_id"') == 3
    wrong = await as_admin.client.patch(
        f"/api/v1/{kind}/1", json={"tags": ["a,b"]}, headers=headers | {"If-Match": "*"}
    )
    problem = await wrong.get_json()
    assert [error["pointer"] for error in problem["errors"]] == ["/tags"], problem


async def test_administrators_rename_merge_and_remove_tags(
    auth: Auth, as_admin: Auth, user: User, trade: Trade
) -> None:
    for tags in ("Wine", "Vine", "Wine, Vine"):
        await trade.account(actor=user, tags=tags)
    await trade.good(tags="Vine")
    assert (await auth.get("/tags/")).status_code == 403
    page = await text_of(await as_admin.get("/tags/"))
    assert re.findall(r'href="/(accounts|goods)/\?tag=(\d)">(?:<[^>]*>)?(\d)<', page) == [
        ("accounts", "2", "2"), ("goods", "2", "1"), ("accounts", "1", "2"),
    ]  # fmt: skip

    sheet = sheet_to(await text_of(await as_admin.get("/tags/1")), "/tags/1", address="/tags/1")
    taken = await as_admin.client.post("/tags/1", form=sheet.values | {"name": "VINE"})
    assert taken.status_code == 422
    assert "Another tag has this name" in await text_of(taken)
    had = {"If-None-Match": (await as_admin.get("/api/v1/accounts/1")).headers["ETag"]}
    same = await as_admin.client.get("/api/v1/accounts/1", headers=had)
    assert same.status_code == 304
    renamed = {"name": "Wines", "colour": "red"}
    assert (await as_admin.client.post("/tags/1", form=sheet.values | renamed)).status_code == 303
    fresh = await as_admin.client.get("/api/v1/accounts/1", headers=had)
    assert (await fresh.get_json())["tags"] == ["Wines"], "the name is new, the version is not"
    late = await as_admin.client.post("/tags/1", form=sheet.values | {"name": "Late"})
    assert late.status_code == 409

    merge = sheet_to(
        await text_of(await as_admin.get("/tags/2")), "/tags/2/merge", address="/tags/2"
    )
    assert merge.values["into"] == "1"
    done = await as_admin.client.post(merge.action, form=merge.values)
    assert done.location == "/tags/"
    async with trade.session() as session:
        assert await count_uses(session) == {1: {"account": 3, "good": 1}}
        with pytest.raises(ForbiddenError):
            await merge_tags(session, actor=user, tag=await get_tag(session, tag_id=1), into_id=1)
    remove = sheet_to(
        await text_of(await as_admin.get("/tags/1")), "/tags/1/remove", address="/tags/1"
    )
    await as_admin.client.post(remove.action, form=remove.values)
    assert not await tag_names(trade)
    assert "tag-" not in await text_of(await as_admin.get("/accounts/1"))
    assert await audit_lines(trade, "tag ") == [
        ("tag_changed", "tag Wines", {"name": ["Wine", "Wines"], "colour": ["grey", "red"]}),
        ("tag_merged", "tag Vine", {"into": "Wines"}),
        ("deleted", "tag Wines", {}),
    ]


async def test_a_form_keeps_its_tags_while_they_are_renamed_and_refuses_one_that_is_gone(
    auth: Auth, user: User, trade: Trade
) -> None:
    await trade.account(actor=user, tags="Wine, Vine, Beer")
    page = "/accounts/1/edit"
    shown = await text_of(await auth.get(page))
    sheet = sheet_to(shown, page, address=page)
    ids = dict(re.findall(r'name="tags_id" value="(\d+)" checked> (\w+)<', shown))
    entries = [(name, value) for name, value in sheet.values.items() if name != "tags_id"]
    entries += [("tags_id", id_) for id_ in ids]
    by_name = {name: int(id_) for id_, name in ids.items()}
    async with trade.session() as session:
        wine = await get_tag(session, tag_id=by_name["Wine"])
        await update_tag(session, actor=None, tag=wine, values={"name": "Red"}, version=1)
    saved = await auth.client.post(page, data=urlencode(entries), headers=FORM)
    assert saved.status_code == 303, await text_of(saved)
    assert await tag_names(trade) == ["Beer", "Red", "Vine"], "no tag of the old name is made"

    async with trade.session() as session:
        vine = await get_tag(session, tag_id=by_name["Vine"])
        await merge_tags(session, actor=None, tag=vine, into_id=by_name["Wine"])
    refused = await auth.client.post(page, data=urlencode(entries), headers=FORM)
    answer = await text_of(refused)
    assert refused.status_code == 422
    assert "A chosen tag is gone" in answer
    assert answer.count("checked") == 2, "the others are still chosen"
    assert await tag_names(trade) == ["Beer", "Red"]


async def test_saved_views_follow_a_merged_tag_and_name_a_removed_one(
    auth: Auth, user: User, trade: Trade
) -> None:
    await trade.account(actor=user, name="Ernst Handel", tags="Wine")
    await trade.account(actor=user, name="Other", tags="Vine")
    async with trade.session() as session:
        values = {"name": "Mine", "arguments": "tag=2&q=er"}
        await create_view(session, actor=user, page="accounts", values=values)
        await merge_tags(session, actor=None, tag=await get_tag(session, tag_id=2), into_id=1)
    listed = await text_of(await auth.get("/accounts/?view=1"))
    assert "Tag: Wine" in listed
    assert names(listed) == ["Ernst Handel"]
    async with trade.session() as session:
        await remove_tag(session, actor=None, tag=await get_tag(session, tag_id=1))
    listed = await text_of(await auth.get("/accounts/?view=1"))
    assert "Tag: a removed tag" in listed
    assert '<option value="1" selected>a removed tag' in listed, "Apply keeps the filter"
    assert names(listed) == []


async def test_two_tags_that_are_merged_into_each_other_leave_one(
    as_admin: Auth, trade: Trade
) -> None:
    for number in range(3):
        await trade.account(tags=f"Wine {number}")
        await trade.account(tags=f"Vine {number}")
        wine, vine = 2 * number + 1, 2 * number + 2
        answers = await asyncio.gather(
            as_admin.post(f"/tags/{wine}/merge", into=str(vine)),
            as_admin.post(f"/tags/{vine}/merge", into=str(wine)),
        )
        assert sorted(answer.status_code for answer in answers) == [303, 404]
    async with trade.session() as session:
        uses = await count_uses(session)
    assert [*uses.values()] == [{"account": 2}] * 3


async def test_a_bulk_action_adds_and_removes_one_tag(user: User, trade: Trade) -> None:
    account = await trade.account(actor=user, tags="A, B")
    async with trade.session() as session:
        fresh = await get_account(session, account_id=account.id)
        for change in ({"add": "c"}, {"remove": "a"}, {"add": "B"}):
            values = {"tags": await tags_with(session, fresh, **change)}
            await update_account(
                session, actor=user, account=fresh, values=values, version=fresh.version
            )
        assert [tag.name for tag in await tags_of(session, fresh)] == ["B", "c"]
        entries = await list_history(session, fresh)
        assert [entry.changes.get("tags") for entry in entries] == [
            ["A, B, c", "B, c"],
            ["A, B", "A, B, c"],
            None,
        ]  # fmt: skip, the last one changed nothing


async def test_a_deleted_record_leaves_no_tags(trade: Trade) -> None:
    person = await trade.person(tags="Wine")
    async with trade.session() as session:
        await delete_person(
            session, actor=None, person=await get_person(session, person_id=person.id)
        )
        assert not await count_uses(session)


async def test_there_is_a_limit_to_tags(trade: Trade) -> None:
    async with trade.session() as session:
        session.add_all(Tag(name=f"t{n}") for n in range(299))
    await trade.account(tags="last")
    with pytest.raises(ValidationError):
        await trade.account(tags="one more")
