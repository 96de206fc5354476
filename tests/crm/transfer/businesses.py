"""Made-up businesses for tests of files: rows of all kinds, with awkward texts and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select

from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Account,
    Contact,
    Deal,
    DealLine,
    DealStage,
    Good,
    Note,
    Order,
    OrderLine,
    OrderState,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
    StageKind,
    User,
)
from quarterdeck_crm.models.collation import same_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.money import MAX_AMOUNT, line_amount
from quarterdeck_crm.validation import longest, one_line, plain_breaks, shows_nothing

OWNERS = ("first@example.com", "second@example.com", None)

# Printable text of all scripts, with tabs and line breaks inside; pages and the API trim it, and
# take no marks that turn the direction of writing.
_TEXT = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"],
        include_characters="\t\n\r",
        exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    max_size=12,
)
_AWKWARD = st.sampled_from(
    ["=1+1", "'=1", "'", "''", "-5", "+49 40", "@home", '"', 'a"b', "a,b;c", "a\r\nb", "1.234", "0",
     "null", "#1", "\u00a0x", "\ufeffx", "é", "e\u0301", "ref-0", "no", "1e5", "\u2028x"]
)  # fmt: skip


def texts(attribute: Any) -> st.SearchStrategy[str]:
    """Texts that a column can hold."""
    cut = longest(attribute)
    column = attribute.expression
    trimmed = (_TEXT | _AWKWARD).map(lambda text: text.strip()[:cut].strip())
    shown = trimmed.filter(lambda text: not shows_nothing(text))
    if column.type.length is None:
        return shown
    return shown.map(plain_breaks if "lines" in column.info else one_line)


def phones(attribute: Any) -> st.SearchStrategy[str]:
    """Texts with a digit, as the rule for phone numbers wants them."""
    return texts(attribute).map(lambda text: f"{text[:30]}7")


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def columns(model: Any, *names: str) -> dict[str, st.SearchStrategy[str | None]]:
    """Optional texts for some columns of a model."""
    return {name: optional(texts(getattr(model, name))) for name in names}


def decimals(most: int, scale: int = 3) -> st.SearchStrategy[Decimal]:
    return st.decimals(0, most, places=scale, allow_nan=False)


DAYS = st.dates(date(1000, 1, 1), date(9999, 12, 31))
EMAILS = optional(st.sampled_from(["a@example.com", "A+b@example.com"]))
PAST = st.dates(date(1900, 1, 1), date(2026, 1, 1))


def rows(label: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> Any:
    """Up to three different phone numbers or addresses of a person."""
    row = st.fixed_dictionaries({"label": label, **fields})
    return st.lists(row, max_size=3, unique_by=lambda each: str(sorted(each.items())))


PEOPLE = st.fixed_dictionaries(
    {
        "name": texts(Person.name),
        "birthday": optional(PAST),
        "do_not_contact": st.booleans(),
        "consent_given_on": PAST,
        "consent_how": optional(texts(Person.consent_how)),
        "archived": st.booleans(),
        "places": st.lists(
            st.tuples(st.integers(0, 9), optional(texts(Contact.title)), st.booleans()), max_size=3
        ),
        "phones": rows(
            st.sampled_from(["work", "mobile", "fax"]), number=phones(PersonPhone.number)
        ),
        "emails": rows(
            st.sampled_from(["work", "home"]),
            email=st.sampled_from(["a@example.com", "A+b@example.com"]),
        ),
        "addresses": rows(
            st.sampled_from(["work", "other"]),
            city=texts(PersonAddress.city),
            **columns(PersonAddress, "address", "region", "postal_code", "country"),
        ),
    }
)
ACCOUNTS = st.fixed_dictionaries(
    {
        "code": optional(st.integers(0, 10**6).map(lambda n: f"c{n}") | texts(Account.code)),
        "name": texts(Account.name),
        "owner": st.sampled_from(OWNERS),
        "email": EMAILS,
        "website": optional(st.just("https://example.com/?a=1,2")),
        "archived": st.booleans(),
        "phone": optional(phones(Account.phone)),
        **columns(Account, "address", "city", "region", "postal_code", "country"),
    }
)
GOODS = st.fixed_dictionaries(
    {
        "code": texts(Good.code),
        "name": texts(Good.name),
        "price": decimals(999_999_999_999),
        "currency": st.sampled_from(["EUR", "KWD"]),
        "stock": st.integers(0, 2**31 - 1),
        "archived": st.booleans(),
        **columns(Good, "category", "unit", "description"),
    }
)
LINES = st.fixed_dictionaries(
    {
        "good": st.integers(0, 9),
        "quantity": st.integers(1, 10**4),
        "price": decimals(10**6),
        "discount": decimals(1),
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "number": texts(Order.number),
        "account": st.integers(0, 9),
        "owner": st.sampled_from(OWNERS),
        "state": st.sampled_from(OrderState),
        "currency": st.sampled_from(["EUR", "KWD"]),
        "freight": decimals(10**6),
        "ordered_on": DAYS,
        "required_on": optional(DAYS),
        "shipped_on": optional(DAYS),
        "lines": st.lists(LINES, max_size=3),
        **columns(
            Order, "ship_name", "ship_address", "ship_city", "ship_region", "ship_postal_code",
            "ship_country", "remark",
        ),
    }
)  # fmt: skip


DEALS = st.fixed_dictionaries(
    {
        "name": texts(Deal.name),
        "account": st.integers(0, 9),
        "has_contact": st.booleans(),
        "owner": st.sampled_from(OWNERS),
        "stage": st.integers(0, 4),
        "currency": st.sampled_from(["EUR", "KWD"]),
        "value": decimals(10**6),
        "own_probability": optional(st.integers(0, 100)),
        "expected_on": optional(DAYS),
        "lost_reason": texts(Deal.lost_reason),
        "remark": optional(texts(Deal.remark)),
        "becomes_order": st.booleans(),
        "lines": st.lists(LINES, max_size=3),
    }
)
MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1900)
NOTES = st.fixed_dictionaries(
    {
        "record": st.integers(0, 99),
        "author": st.sampled_from(OWNERS),
        "body": texts(Note.body),
        "created_at": MOMENTS,
        "edited_at": optional(MOMENTS),
    }
)


def unlike(name: str) -> Any:
    """Return the key by which rows must differ; case and normal forms may not."""

    def key(values: dict[str, Any]) -> Any:
        return same_key(values[name]) if values[name] else object()

    return key


BUSINESS = st.tuples(
    st.lists(ACCOUNTS, min_size=1, max_size=4, unique_by=unlike("code")),
    st.lists(GOODS, min_size=1, max_size=3, unique_by=unlike("code")),
    st.lists(ORDERS, max_size=3, unique_by=unlike("number")),
    st.lists(PEOPLE, max_size=4),
    st.lists(DEALS, max_size=3),
    st.lists(NOTES, max_size=4),
)
NO_CODE = {"code": None, "name": "Twin", "owner": None, "email": None, "website": None,
           "archived": False, "phone": None, "address": None, "city": None, "region": None,
           "postal_code": None, "country": None}  # fmt: skip
NAMESAKE = {"name": "Ada", "places": [(0, None, False)]}
TWINS = [NO_CODE, NO_CODE | {"archived": True}]
NAMESAKES = [
    NAMESAKE | {"phones": [{"label": "fax", "number": "2"}, {"label": "mobile", "number": "1"}]},
    NAMESAKE | {"places": [(1, "Adviser", True), (0, None, True)]},
    {"name": "Nobody"},
]


async def fill(business: tuple[Sequence[Any], ...]) -> None:
    """Write rows as the services leave them."""
    accounts, goods, orders, people, deals, notes = business
    async with db.new_session() as session, session.transaction():
        found = await session.execute(select(User.email, User.id))
        users: dict[str | None, int | None] = {None: None, **dict(found.all())}
        account_rows = []
        for values in accounts:
            row = dict(values)
            archived = utc_now() if row.pop("archived") else None
            owner = users[row.pop("owner")]
            account_rows.append(Account(**row, owner_id=owner, archived_at=archived))
        good_rows = []
        for values in goods:
            row = dict(values)
            archived = utc_now() if row.pop("archived") else None
            good_rows.append(Good(**row, archived_at=archived))
        for row_ in [*account_rows, *good_rows]:
            session.add(row_)
            await session.flush()  # one by one, so that ids follow the order
        mains: set[int] = set()
        person_rows = []
        for values in people:
            person_rows.append(person_of(dict(values), account_rows, mains))
            session.add(person_rows[-1])
            await session.flush()
        order_rows = []
        for values in orders:
            row = dict(values)
            account = account_rows[row.pop("account") % len(account_rows)]
            owner, lines = users[row.pop("owner")], row.pop("lines")
            if not lines and row["state"] not in (OrderState.DRAFT, OrderState.CANCELLED):
                row["state"] = OrderState.DRAFT
            built = [line_of(position, line, good_rows) for position, line in enumerate(lines, 1)]
            net = sum((line.amount for line in built), Decimal(0))
            order_rows.append(
                Order(**row, account_id=account.id, owner_id=owner, lines=built, net=net)
            )
            session.add(order_rows[-1])
            await session.flush()
        contacts = [contact for person in person_rows for contact in person.contacts]
        stages = (await session.scalars(select(DealStage).order_by(DealStage.id))).all()
        free, deal_rows = [*order_rows], []
        for values in deals:
            row = dict(values)
            stage, owner = stages[row.pop("stage")], users[row.pop("owner")]
            order = (
                free.pop() if row.pop("becomes_order") and stage.kind == "won" and free else None
            )
            account = account_rows[row.pop("account") % len(account_rows)]
            at = [contact for contact in contacts if contact.account_id == account.id]
            contact = at[0] if row.pop("has_contact") and at else None
            deal = deal_of(row, stage, good_rows)
            deal.account_id, deal.owner_id = account.id, owner
            deal.contact_id = contact.id if contact else None
            deal.order_id = order.id if order else None
            deal_rows.append(deal)
            session.add(deal)
            await session.flush()
        records = [*account_rows, *person_rows, *order_rows, *deal_rows]
        for values in notes:
            row = dict(values)
            record = records[row.pop("record") % len(records)]
            kind, author = record.__tablename__, users[row.pop("author")]
            session.add(Note(**row, subject_type=kind, subject_id=record.id, author_id=author))
            await session.flush()


def person_of(row: dict[str, Any], accounts: Sequence[Account], mains: set[int]) -> Person:
    """Return a person; ``mains`` are the accounts that have a main contact."""
    archived = utc_now() if row.pop("archived", False) else None
    contacts: dict[int, Contact] = {}
    for place, title, is_main in row.pop("places", ()):
        account_id = accounts[place % len(accounts)].id
        if account_id not in contacts:
            main = True if is_main and account_id not in mains else None
            mains |= {account_id} if main else set()
            contacts[account_id] = Contact(account_id=account_id, title=title, main=main)
    kinds = {"phones": PersonPhone, "emails": PersonEmail, "addresses": PersonAddress}
    details = {
        name: [model(position=n, **values) for n, values in enumerate(row.pop(name, ()), 1)]
        for name, model in kinds.items()
    }
    return Person(**row, archived_at=archived, contacts=[*contacts.values()], **details)


def deal_of(row: dict[str, Any], stage: DealStage, goods: Sequence[Good]) -> Deal:
    """Return a deal in a stage; one with lines has their sum as its value."""
    lines = [
        DealLine(
            position=position,
            good_id=goods[line["good"] % len(goods)].id,
            amount=line_amount(line["quantity"], line["price"], line["discount"]),
            **{name: line[name] for name in ("quantity", "price", "discount")},
        )
        for position, line in enumerate(row.pop("lines"), 1)
    ]
    if lines:
        row["value"] = sum((line.amount for line in lines), Decimal(0))
    own = row["own_probability"] if stage.kind is StageKind.OPEN else None
    row["lost_reason"] = row["lost_reason"] if stage.kind is StageKind.LOST else None
    row["probability"] = stage.probability if own is None else own
    return Deal(**row, stage_id=stage.id, kind=stage.kind, lines=lines)


def line_of(position: int, values: dict[str, Any], goods: Sequence[Good]) -> OrderLine:
    row = dict(values)
    good = goods[row.pop("good") % len(goods)]
    amount = line_amount(row["quantity"], row["price"], row["discount"])
    assert amount <= MAX_AMOUNT
    return OrderLine(**row, position=position, good_id=good.id, amount=amount)
