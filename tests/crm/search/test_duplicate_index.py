"""Keys of names, addresses and numbers in any spelling, and pairs that share some."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from quart import Quart
from sqlalchemy import delete, insert, select

from quarterdeck.checks import Target, rules_of, run_rules
from quarterdeck_crm.accounts.services import archive_account, get_account, update_account
from quarterdeck_crm.models import Account, DuplicateKey, DuplicatePair, SearchWord
from quarterdeck_crm.search.duplicate_index import MAX_SHARED, index_all_duplicates
from quarterdeck_crm.search.keys import domain_key, name_key, person_name_key, phone_key
from quarterdeck_crm.search.word_index import index_everything
from tests.crm.conftest import Auth
from tests.crm.test_accounts import names
from tests.crm.trading import Trade

Pairs = list[tuple[int, int, str]]


@pytest.mark.parametrize(
    "texts",
    [
        ("+49 30 901820", "0049 30 901820", "+49 (0)30 901820", "030/901820", "(030) 901-820"),
        ("+1 555 123 4567", "001 555 1234567", "(555) 123-4567"),
        ("+353 1 234 5678", "01 2345678"),
        ("+86 138 1234 5678", "13812345678"),
    ],
)
def test_a_number_has_one_key(texts: tuple[str, ...]) -> None:
    assert len({phone_key(text) for text in texts}) == 1


def test_names_and_domains_have_keys() -> None:
    assert name_key("Wool & Co. GmbH") == name_key("WOOL") == "wool"
    assert name_key("北京贸易有限公司") == name_key("北京贸易")
    assert name_key("A.S.") == "as", "a name that is nothing but a legal form"
    assert person_name_key("Anker, Ada") == person_name_key("ada  anker")
    assert domain_key("Info@Wool.example") == domain_key("https://www.wool.example/x")
    assert domain_key("ada@gmail.com") is None
    assert domain_key("http://[") is None
    assert phone_key("12-34") is None


async def pairs(trade: Trade) -> Pairs:
    async with trade.session() as session:
        columns = DuplicatePair.first_id, DuplicatePair.second_id, DuplicatePair.reasons
        return [tuple(row) for row in await session.execute(select(*columns))]  # type: ignore[misc]


async def test_pairs_follow_every_change(trade: Trade) -> None:
    first = await trade.account(name="Wool GmbH", email="info@wool.example")
    second = await trade.account(name="wool", phone="+49 30 901820")
    assert await pairs(trade) == [(first.id, second.id, "name")]

    async with trade.session() as session:
        account = await get_account(session, account_id=second.id)
        values = {"name": "Felt", "website": "https://www.wool.example"}
        await update_account(session, actor=None, account=account, values=values, version=1)
    assert await pairs(trade) == [(first.id, second.id, "mail")]

    async with trade.session() as session:
        account = await get_account(session, account_id=first.id)
        await archive_account(session, actor=None, account=account)
    assert await pairs(trade) == []


async def test_people_share_a_name_an_address_or_a_number_of_their_own(trade: Trade) -> None:
    account = await trade.account()
    work = [{"label": "work", "number": "030 901820"}]
    ada = await trade.person(account, name="Ada Anker", phones=work)
    await trade.person(account, name="Bo Berg", phones=work)
    assert await pairs(trade) == [], "colleagues share the number at work"
    again = await trade.person(name="Anker, Ada", emails=[{"email": "ada@x.example"}])
    third = await trade.person(name="A. A.", emails=[{"email": "ADA@x.example"}])
    assert await pairs(trade) == [(ada.id, again.id, "name"), (again.id, third.id, "mail")]


async def test_a_key_that_many_share_makes_no_pairs(trade: Trade) -> None:
    async with trade.session() as session:
        rows = [
            {"subject_type": "account", "key": "name:wool", "subject_id": 1000 + number}
            for number in range(MAX_SHARED)
        ]
        await session.execute(insert(DuplicateKey), rows)
    await trade.account(name="Wool")
    assert await pairs(trade) == []


@pytest.mark.parametrize(
    "q", ["030 901820", "+49 30 9018", "0049 30 901820", "901820", "info@wool", "wool.example"]
)
async def test_accounts_and_people_are_found_by(auth: Auth, trade: Trade, q: str) -> None:
    email = "info@wool.example"
    await trade.account(name="Wool", phone="+49 (0)30 901820", email=email)
    phones = [{"label": "work", "number": "030 / 901820"}]
    await trade.person(name="Ada", phones=phones, emails=[{"email": email}])
    await trade.account(name="Felt", phone="+49 30 55555")

    assert await names(auth, f"q={quote(q)}") == ["Wool"]
    assert "Ada" in await (await auth.get(f"/people/?q={quote(q)}")).get_data(as_text=True)


async def test_rebuild_finds_what_statements_wrote(trade: Trade) -> None:
    async with trade.session() as session:
        rows = [{"name": name, "version": 1} for name in ("Wool Ltd", "Wool")]
        await session.execute(insert(Account), rows)
        await (await session.connection()).run_sync(index_all_duplicates)
    assert await pairs(trade) == [(1, 2, "name")]


async def test_the_check_reports_records_of_an_older_index(app: Quart, trade: Trade) -> None:
    await trade.account(name="Wool GmbH", email="info@wool.example")
    await trade.person(name="Ada Anker")
    await trade.deal()
    others = {each.id for each in rules_of(app)} - {"CRM010"}

    async def found() -> list[str]:
        async with app.app_context():
            return [str(each) for each in (await run_rules(Target(app), without=others))[0]]

    assert await found() == []
    async with trade.session() as session:
        await session.execute(delete(SearchWord).where(SearchWord.word == "info@wool.example"))
        await session.execute(delete(DuplicateKey).where(DuplicateKey.subject_type == "person"))
    (finding,) = await found()
    assert finding.startswith("Records were indexed by an older version: account, person. Run")
    async with trade.session() as session:
        connection = await session.connection()
        await connection.run_sync(index_everything)
        await connection.run_sync(index_all_duplicates)
    assert await found() == []
