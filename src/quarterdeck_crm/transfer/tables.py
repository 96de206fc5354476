"""What the files of accounts, goods, orders and order lines hold.

The first name of a column is what exports write. The aliases are the column names of
Microsoft's Northwind sample, which many other exports resemble.
"""

from __future__ import annotations

from decimal import Decimal

from quarterdeck_crm.models import OrderState

from .columns import Column, Table, currency, day, decimal, one_of, text, whole, yes

_PRICE = decimal(decimals=3, most=Decimal(999_999_999))
_ADDRESS = (
    Column("address", text(300)),
    Column("city", text(100)),
    Column("region", text(100)),
    Column("postal_code", text(20)),
    Column("country", text(100)),
)

ACCOUNTS = Table(
    "a file of accounts",
    (
        Column("code", text(32), required=True, aliases=("customer_id", "account_id")),
        Column("name", text(200), required=True, aliases=("company_name",)),
        Column("owner", text(254)),
        Column("email", text(254)),
        Column("phone", text(40)),
        Column("website", text(300)),
        *_ADDRESS,
        Column("archived", yes, default=False),
        Column("contact_name", text(120)),
        Column("contact_title", text(120)),
        Column("contact_email", text(254)),
        Column("contact_phone", text(40)),
        Column("contact_fax", text(40), aliases=("fax",)),
    ),
)

GOODS = Table(
    "a file of goods",
    (
        Column("code", text(32), required=True, aliases=("product_id", "good_id")),
        Column("name", text(200), required=True, aliases=("product_name",)),
        Column("category", text(80), aliases=("category_name",)),
        Column("unit", text(60), aliases=("quantity_per_unit",)),
        Column("price", _PRICE, required=True, aliases=("unit_price",)),
        Column("currency", currency),
        Column("stock", whole(least=0), aliases=("units_in_stock",), default=0),
        Column("description", text(20_000)),
        Column("archived", yes, aliases=("discontinued",), default=False),
    ),
)

ORDERS = Table(
    "a file of orders",
    (
        Column("number", text(32), required=True, aliases=("order_id",)),
        Column("account", text(32), required=True, aliases=("customer_id", "account_id")),
        Column("state", one_of(state.value for state in OrderState)),
        Column("currency", currency),
        Column("owner", text(254)),
        Column("ordered_on", day, required=True, aliases=("order_date",)),
        Column("required_on", day, aliases=("required_date",)),
        Column("shipped_on", day, aliases=("shipped_date",)),
        Column("freight", _PRICE, default=Decimal(0)),
        Column("ship_name", text(200)),
        Column("ship_address", text(300)),
        Column("ship_city", text(100)),
        Column("ship_region", text(100)),
        Column("ship_postal_code", text(20)),
        Column("ship_country", text(100)),
        Column("remark", text(20_000)),
    ),
)

LINES = Table(
    "a file of order lines",
    (
        Column("order", text(32), required=True, aliases=("order_id", "number")),
        Column("good", text(32), required=True, aliases=("product_id", "good_id")),
        Column("quantity", whole(least=1), required=True),
        Column("price", _PRICE, required=True, aliases=("unit_price",)),
        Column("discount", decimal(decimals=3, most=Decimal(1)), default=Decimal(0)),
    ),
)
