"""What a search finds: the beginnings of words, in any order, however they are written."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest

from quarterdeck_crm.accounts.details import add_contact
from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.models import Contact
from quarterdeck_crm.search.word_index import words_of
from tests.crm.conftest import Auth
from tests.crm.test_accounts import names
from tests.crm.trading import Trade

pytestmark = pytest.mark.feature("AP3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ernst Handel", {"ernst", "handel"}),
        ("Wool_Co", {"wool_co", "_co", "co"}),
        ("Größe STRASSE", {"grosse", "strasse"}),
        ("Århus ﬁne", {"arhus", "fine"}),
        ("北京公司", {"北京公司", "京公司", "公司", "司"}),
        ("🚢 Ltd", {"🚢", "ltd"}),
        ("x" * 60, {"x" * 40}),
        (None, set()),
    ],
)
def test_the_words_of_a_text(text: str | None, words: set[str]) -> None:
    assert words_of([text]) == words


@pytest.mark.parametrize("q", ["acme", "zagreb acm", "ZÁGREB", "12", "horv iva", "公司"])
async def test_an_account_is_found_by(auth: Auth, trade: Trade, q: str) -> None:
    account = await trade.account(name="Acme-12 北京公司", city="Zagreb")
    async with trade.session() as session:
        await add_contact(session, actor=None, account=account, values={"name": "Iva Horvat"})
    await trade.account(name="Another")

    assert await names(auth, f"q={quote(q)}") == ["Acme-12 北京公司"]


@pytest.mark.parametrize("q", ["cme", "acme nobody", "agreb"])
async def test_an_account_is_not_found_by(auth: Auth, trade: Trade, q: str) -> None:
    await trade.account(name="Acme", city="Zagreb")

    assert await names(auth, f"q={q}") == []


async def test_the_words_follow_every_change(auth: Auth, trade: Trade) -> None:
    account = await trade.account(name="Acme")
    async with trade.session() as session:
        contact = await add_contact(
            session, actor=None, account=account, values={"name": "Iva Horvat"}
        )
        changed = await get_account(session, account_id=account.id)
        values = {"name": "Zeta"}
        await update_account(session, actor=None, account=changed, values=values, version=1)
    assert await names(auth, "q=acme") == []
    assert await names(auth, "q=zeta iva") == ["Zeta"]

    async with trade.session() as session:
        await session.delete(await session.get_one(Contact, contact.id))
    assert await names(auth, "q=iva") == []
    assert await names(auth, "q=zeta") == ["Zeta"]


async def test_what_is_rolled_back_leaves_no_words(auth: Auth, trade: Trade) -> None:
    acme = await trade.account(name="Acme")
    with suppress(RuntimeError):
        async with trade.session() as session:
            account = await get_account(session, account_id=acme.id)
            account.name = "Zeta"
            await session.flush()
            raise RuntimeError
    assert await names(auth, "q=zeta") == []
    assert await names(auth, "q=acme") == ["Acme"]
