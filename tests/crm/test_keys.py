"""Equal codes and the order of texts, by the same rules on every database."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quart import Quart
from sqlalchemy import select, text

from quarterdeck import migrate
from quarterdeck_crm import create_app
from quarterdeck_crm.errors import ImportRefusedError, KeyClashError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import list_categories, list_goods
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Good
from quarterdeck_crm.models.collation import (
    CODE_LENGTH,
    MAX_GROWTH,
    code_key,
    fold,
    same_key,
    sort_key,
    unique_key,
)
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from tests import databases

from .conftest import Auth, MakeUser
from .trading import Trade

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
SAME = [("KEY1", "key1"), ("\u00c9", "E\u0301"), ("Stra\u00dfe", "STRASSE"), ("a  b ", "A\u00a0b")]
DIFFERENT = [("E", "\u00c9"), ("\u0418", "\u0419"), ("M2", "M\u00b2"), ("ab", "a b")]
# NFD in every second name: e + acute, A + diaeresis.
IN_ORDER = ["apple", "\u00c4rger", "Arger 2", "E\u0301clair", "\u00c9clair", "eclairs", "Zebra"]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_codes_that_are_the_same(one: str, other: str) -> None:
    assert code_key(one) == code_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_codes_that_differ(one: str, other: str) -> None:
    assert code_key(one) != code_key(other)


@given(TEXTS, TEXTS)
def test_keys_are_equal_exactly_for_the_same_texts(one: str, other: str) -> None:
    assert (unique_key(one, 80) == unique_key(other, 80)) == (same_key(one) == same_key(other))


@given(TEXTS)
def test_keys_do_not_depend_on_case_and_normal_form(some: str) -> None:
    for form in ("NFC", "NFD"):
        assert code_key(unicodedata.normalize(form, some)) == code_key(some)
    assert same_key(some.swapcase()) == same_key(some) or some.swapcase().swapcase() != some
    assert same_key(same_key(some)) == same_key(some)
    assert fold(fold(some)) == fold(some)
    assert len(same_key(some)) <= MAX_GROWTH * len(some)
    assert len(sort_key(some, 3)) <= 3


async def names(trade: Trade, **listing: object) -> list[str]:
    async with trade.app.app_context():
        page = await list_goods(db.session, listing=Listing(**listing))  # type: ignore[arg-type]
        return [good.name for good in page]


async def test_names_are_sorted_without_case_accents_and_normal_forms(trade: Trade) -> None:
    for name in reversed(IN_ORDER):
        await trade.good(name=name)

    found = await names(trade, sort="name")

    # Names that are equal but for accents are in the order in which they came.
    assert [sort_key(name, 20) for name in found] == sorted(sort_key(n, 20) for n in IN_ORDER)
    assert found[0] == "apple"
    assert found[-1] == "Zebra"
    assert await names(trade, sort="name", descending=True) == found[::-1]


async def test_codes_are_sorted_like_names(trade: Trade) -> None:
    for code in ("Z", "\u00c9", "a", "E", "f"):
        await trade.good(name=code, code=code)

    assert await names(trade, sort="code") == ["a", "E", "\u00c9", "f", "Z"]


async def test_a_renamed_row_moves(trade: Trade) -> None:
    good = await trade.good(name="aaa")
    await trade.good(name="bbb")
    async with trade.session() as session:
        (await session.get_one(Good, good.id)).name = "ccc"

    assert await names(trade, sort="name") == ["bbb", "ccc"]


async def test_a_category_is_one_in_every_spelling(trade: Trade) -> None:
    for category in ("Tea", "tea", "T\u00e9a", "Te\u0301a"):
        await trade.good(name=category, category=category)

    async with trade.app.app_context():
        assert len(await list_categories(db.session)) == 2
    assert await names(trade, sort="created", filters={"category": "TEA"}) == ["Tea", "tea"]


@pytest.mark.parametrize(("one", "other"), [("KEY1", "key1"), ("\u00c9", "E\u0301")])
async def test_a_code_is_taken_in_every_spelling(trade: Trade, one: str, other: str) -> None:
    await trade.account(code=one)
    await trade.good(code=one)

    for create in (trade.account, trade.good):
        with pytest.raises(ValidationError):
            await create(code=other)


@pytest.mark.parametrize(("one", "other"), [("E", "\u00c9"), ("\u0418", "\u0419")])
async def test_a_code_with_an_accent_is_another(trade: Trade, one: str, other: str) -> None:
    for code in (one, other):
        await trade.account(code=code)
        await trade.good(code=code)


async def test_users_are_found_without_accents(as_admin: Auth, make_user: MakeUser) -> None:
    await make_user(email="e@example.com", name="\u00c9mile Zola", department="K\u00fcche")

    for words in ("emile", "\u00c9MILE", "E\u0301mile", "kuche"):
        response = await as_admin.get("/team/", query_string={"q": words})
        assert "mile Zola" in await response.get_data(as_text=True), words


FILES = {
    "accounts": "code,name\n{code},One\n",
    "goods": "code,name,price\n{code},One,1\n",
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("where", ["here", "in the file"])
async def test_an_import_names_the_line_of_another_spelling(
    app: Quart, trade: Trade, tmp_path: Path, kind: str, where: str
) -> None:
    file = tmp_path / "file.csv"
    row = FILES[kind].format(code="KEY1")
    if where == "here":
        await (trade.account if kind == "accounts" else trade.good)(code="key1")
    else:
        header, line, _ = row.split("\n")
        row = "\n".join((header, line.replace("KEY1", "key1"), line, ""))
    file.write_text(row)

    async with app.app_context():
        with pytest.raises(ImportRefusedError) as refused:
            await run_import(KINDS[kind], [Source(file, "file.csv")])

    expected = "'code' is 'KEY1', but the same code is written 'key1' already. Write it so"
    if (kind, where) == ("goods", "in the file"):
        expected = "'code' KEY1 stands in the file twice"
    line_number = 2 if where == "here" else 3
    assert [str(mistake) for mistake in refused.value.mistakes.shown] == [
        f"file.csv, line {line_number}: {expected}"
    ]


async def test_orders_name_accounts_goods_and_orders_in_any_spelling(
    app: Quart, trade: Trade, tmp_path: Path
) -> None:
    await trade.account(code="Key1")
    await trade.good(code="Good1")
    orders, lines = tmp_path / "orders.csv", tmp_path / "lines.csv"
    orders.write_text("number,account,ordered_on\nN1,KEY1,2026-01-01\n")
    lines.write_text("order,good,quantity,price\nn1,GOOD1,1,1\n")
    sources = [Source(orders, "orders.csv"), Source(lines, "lines.csv")]

    async with app.app_context():
        report = await run_import(KINDS["orders"], sources)
        assert (report.created, report.lines) == (1, 1)
        orders.write_text(orders.read_text().replace("N1", "n1"))
        with pytest.raises(ImportRefusedError) as refused:
            await run_import(KINDS["orders"], sources)

    assert str(refused.value.mistakes.shown[0]) == (
        "orders.csv, line 2: order N1 is here already with another 'number' "
        "(N1 here, n1 in the file); imports do not change orders"
    )


@pytest.fixture
def empty(tmp_path: Path) -> Quart:
    """An app whose database is not there yet."""
    return create_app("testing", INSTANCE=str(tmp_path), DATABASE_URL=databases.uri(tmp_path))


async def test_a_migration_names_the_codes_that_clash(empty: Quart) -> None:
    insert = text(
        "INSERT INTO account (id, code, reference, name, created_at, updated_at, version)"
        " VALUES (:id, :code, :id, 'Name', '2026-01-01', '2026-01-01', 1)"
    )
    async with empty.test_app(), empty.app_context():
        await migrate.upgrade(revision="8d3f51c0e7a6")
        async with db.engine.begin() as connection:
            await connection.execute(insert, {"id": 1, "code": "Stra\u00dfe"})
            await connection.execute(insert, {"id": 2, "code": "Other"})
            if databases.is_sqlite():
                await connection.execute(insert, {"id": 3, "code": "STRASSE"})
        if databases.is_sqlite():
            with pytest.raises(KeyClashError, match="'Straße' of account 1 and 'STRASSE' of acc"):
                await migrate.upgrade()
            async with db.engine.begin() as connection:
                await connection.execute(text("UPDATE account SET code = 'S2' WHERE id = 3"))
        await migrate.upgrade()
        codes = select(Account.code_key, Account.name_key).order_by(Account.id)
        found = [tuple(row) for row in await db.session.execute(codes)]

    assert found[:2] == [("strasse", "name"), ("other", "name")]
    assert len(code_key("\ufb03" * CODE_LENGTH)) <= (1 + MAX_GROWTH) * CODE_LENGTH + 1
