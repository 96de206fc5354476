"""The columns of the files of accounts, people, goods, orders, deals, tasks and notes.

Exports write the first name of a column. The aliases are the column names of
Microsoft's Northwind sample, which many other exports resemble.
"""

from __future__ import annotations

from decimal import Decimal

from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import (
    ADDRESS_LABELS,
    PHONE_LABELS,
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
    Priority,
    Repeat,
    Task,
    User,
)
from quarterdeck_crm.money import MAX_AMOUNT

from .columns import CSVColumn, Table, day, decimal, moment, one_of, text, whole, yes

_ADDRESS = (
    CSVColumn("address", text(Account.address)),
    CSVColumn("city", text(Account.city)),
    CSVColumn("region", text(Account.region)),
    CSVColumn("postal_code", text(Account.postal_code)),
    CSVColumn("country", text(Account.country)),
)

ACCOUNTS = Table(
    N_("a file of accounts"),
    (
        CSVColumn(
            "code",
            text(Account.code),
            required=True,
            filled=False,
            aliases=("customer_id", "account_id"),
        ),
        CSVColumn("reference", text(Account.reference)),
        CSVColumn("name", text(Account.name), required=True, aliases=("company_name",)),
        CSVColumn("owner", text(User.email)),
        CSVColumn("email", text(Account.email)),
        CSVColumn("phone", text(Account.phone)),
        CSVColumn("website", text(Account.website)),
        *_ADDRESS,
        CSVColumn("archived", yes, default=False),
        CSVColumn("contact_reference", text(Person.reference)),
        CSVColumn("contact_name", text(Person.name)),
        CSVColumn("contact_title", text(Contact.title)),
        CSVColumn("contact_email", text(PersonEmail.email)),
        CSVColumn("contact_phone", text(PersonPhone.number)),
        CSVColumn("contact_fax", text(PersonPhone.number), aliases=("fax",)),
    ),
)

# The columns of the details of a person, of which each row of a file has one of each kind.
PERSON_COLUMNS = {
    "phones": {"label": "phone_label", "number": "phone"},
    "emails": {"label": "email_label", "email": "email"},
    "addresses": {
        "label": "address_label", "address": "address", "city": "city", "region": "region",
        "postal_code": "postal_code", "country": "country",
    },
}  # fmt: skip
PEOPLE = Table(
    N_("a file of people"),
    (
        CSVColumn("reference", text(Person.reference)),
        CSVColumn("name", text(Person.name), required=True, aliases=("full_name",)),
        CSVColumn("birthday", day),
        CSVColumn("do_not_contact", yes, default=False),
        CSVColumn("consent_given_on", day),
        CSVColumn("consent_how", text(Person.consent_how)),
        CSVColumn("consent_withdrawn_on", day),
        CSVColumn("archived", yes, default=False),
        CSVColumn("account", text(Account.code), aliases=("customer_id", "account_id")),
        CSVColumn("account_title", text(Contact.title), aliases=("title", "position")),
        CSVColumn("main_contact", yes, default=False),
        CSVColumn("phone_label", one_of(PHONE_LABELS)),
        CSVColumn("phone", text(PersonPhone.number)),
        CSVColumn("email_label", one_of(ADDRESS_LABELS)),
        CSVColumn("email", text(PersonEmail.email)),
        CSVColumn("address_label", one_of(ADDRESS_LABELS)),
        CSVColumn("address", text(PersonAddress.address)),
        CSVColumn("city", text(PersonAddress.city)),
        CSVColumn("region", text(PersonAddress.region)),
        CSVColumn("postal_code", text(PersonAddress.postal_code)),
        CSVColumn("country", text(PersonAddress.country)),
    ),
)

GOODS = Table(
    N_("a file of goods"),
    (
        CSVColumn("code", text(Good.code), required=True, aliases=("product_id", "good_id")),
        CSVColumn("name", text(Good.name), required=True, aliases=("product_name",)),
        CSVColumn("category", text(Good.category), aliases=("category_name",)),
        CSVColumn("unit", text(Good.unit), aliases=("quantity_per_unit",)),
        CSVColumn("price", decimal(Good.price), required=True, aliases=("unit_price",)),
        CSVColumn("currency", text(Good.currency)),
        CSVColumn("stock", whole(least=0), aliases=("units_in_stock",), default=0),
        CSVColumn("description", text(Good.description)),
        CSVColumn("archived", yes, aliases=("discontinued",), default=False),
    ),
)

ORDERS = Table(
    N_("a file of orders"),
    (
        CSVColumn("number", text(Order.number), required=True, aliases=("order_id",)),
        CSVColumn(
            "account", text(Account.code), required=True, aliases=("customer_id", "account_id")
        ),
        CSVColumn("state", one_of(state.value for state in OrderState)),
        CSVColumn("currency", text(Order.currency)),
        CSVColumn("owner", text(User.email)),
        CSVColumn("ordered_on", day, required=True, aliases=("order_date",)),
        CSVColumn("required_on", day, aliases=("required_date",)),
        CSVColumn("shipped_on", day, aliases=("shipped_date",)),
        CSVColumn("freight", decimal(Order.freight), default=Decimal(0)),
        CSVColumn("ship_name", text(Order.ship_name)),
        CSVColumn("ship_address", text(Order.ship_address)),
        CSVColumn("ship_city", text(Order.ship_city)),
        CSVColumn("ship_region", text(Order.ship_region)),
        CSVColumn("ship_postal_code", text(Order.ship_postal_code)),
        CSVColumn("ship_country", text(Order.ship_country)),
        CSVColumn("remark", text(Order.remark)),
    ),
)

LINES = Table(
    N_("a file of order lines"),
    (
        CSVColumn("order", text(Order.number), required=True, aliases=("order_id", "number")),
        CSVColumn("good", text(Good.code), required=True, aliases=("product_id", "good_id")),
        CSVColumn("quantity", whole(least=1), required=True),
        CSVColumn("price", decimal(OrderLine.price), required=True, aliases=("unit_price",)),
        CSVColumn("discount", decimal(OrderLine.discount, most=Decimal(1)), default=Decimal(0)),
    ),
)

DEALS = Table(
    N_("a file of deals"),
    (
        CSVColumn("reference", text(Deal.reference), required=True, aliases=("deal_id",)),
        CSVColumn("name", text(Deal.name), required=True, aliases=("deal_name", "title")),
        CSVColumn(
            "account", text(Account.code), required=True, aliases=("customer_id", "account_id")
        ),
        CSVColumn("contact", text(Person.reference)),
        CSVColumn("owner", text(User.email)),
        CSVColumn("stage", text(DealStage.name), aliases=("deal_stage",)),
        CSVColumn("value", decimal(Deal.value, most=MAX_AMOUNT), aliases=("amount",)),
        CSVColumn("currency", text(Deal.currency)),
        CSVColumn("own_probability", whole(least=0, most=100), aliases=("probability",)),
        CSVColumn("expected_on", day, aliases=("close_date", "expected_close_date")),
        CSVColumn("lost_reason", text(Deal.lost_reason)),
        CSVColumn("remark", text(Deal.remark)),
        CSVColumn("order", text(Order.number)),
        CSVColumn("good", text(Good.code)),
        CSVColumn("quantity", whole(least=1)),
        CSVColumn("price", decimal(DealLine.price)),
        CSVColumn("discount", decimal(DealLine.discount, most=Decimal(1)), default=Decimal(0)),
    ),
)

TASKS = Table(
    N_("a file of tasks"),
    (
        CSVColumn("reference", text(Task.reference), required=True),
        CSVColumn("title", text(Task.title), required=True, aliases=("subject",)),
        CSVColumn("details", text(Task.details)),
        CSVColumn("due_on", day, aliases=("due_date",)),
        CSVColumn("due_time", text(Task.due_time)),
        CSVColumn("zone", text(Task.zone), default="UTC"),
        CSVColumn("priority", one_of(each.name.lower() for each in Priority), default="normal"),
        CSVColumn("assignee", text(User.email)),
        CSVColumn("account", text(Account.code)),
        CSVColumn("order", text(Order.number)),
        CSVColumn("deal", text(Deal.reference)),
        CSVColumn("contact", text(Person.reference)),
        CSVColumn("repeat", one_of(Repeat)),
        CSVColumn("repeat_every", whole(least=1), default=1),
        CSVColumn("repeat_until", day),
        CSVColumn("remind_on", day),
        CSVColumn("remind_time", text(Task.remind_time)),
        CSVColumn("done", yes, default=False),
    ),
)

RECORD_KINDS = ("account", "deal", "order", "person", "task")
NOTES = Table(
    N_("a file of notes"),
    (
        CSVColumn("reference", text(Note.reference), required=True),
        CSVColumn("record_kind", one_of(RECORD_KINDS), required=True),
        CSVColumn("record", text(Person.name), required=True),
        CSVColumn("author", text(User.email)),
        CSVColumn("written_at", moment),
        CSVColumn("edited_at", moment),
        CSVColumn("text", text(Note.body), required=True),
    ),
)
