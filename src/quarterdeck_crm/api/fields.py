"""The fields of the API, each described once for requests and responses.

Lengths are those of the columns, and only told here: that values fit is for the services, so
that a program is given the same reason as a page.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta

from quarterdeck_crm import models
from quarterdeck_crm.models import OrderState
from quarterdeck_crm.validation import longest
from quarterdeck_crm.validation.numbers import MAX_INTEGER


def describe(column: Any, description: str, example: Any) -> Meta:
    """Describe a text column; one that may not be empty needs something that can be seen."""
    limits: dict[str, Any] = {"maxLength": longest(column)}
    if not column.nullable:
        limits |= {"minLength": 1, "pattern": r"\S"}
    return Meta(description=description, examples=[example], extra_json_schema=limits)


class SentDecimal(Decimal):
    """A decimal in a request, read by ``bodies`` and not by ``Decimal``, which takes ``1_0``."""


def _about(description: str, example: Any, **schema: Any) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema=schema or None)


Id = Annotated[
    int,
    Meta(ge=1, le=MAX_INTEGER, description="A number that never changes.", examples=[1]),
]
OwnerId = Annotated[
    int,
    Meta(ge=1, le=MAX_INTEGER, description="The id of its owner; null for none.", examples=[1]),
]
Moment = Annotated[datetime, Meta(tz=True, description="In UTC.")]
Currency = Annotated[
    str,
    _about("ISO 4217. Without it a new row gets that of the installation.", "EUR", maxLength=3),
]
Price = Annotated[
    Decimal,
    _about("Exact, with at most three decimals. A number is accepted as well as text.", "18.50"),
]

SentPrice = Annotated[
    SentDecimal,
    _about("Exact, with at most three decimals. A number is accepted as well as text.", "18.50"),
]

AuditAction = Annotated[models.AuditAction, Meta(description="The kind of event.")]

_DIALLED = "As it is dialled, with its digits."
_LINKED = "Begins with https:// or http://; a host name alone gets https://."

# --- accounts ---------------------------------------------------------------------
_Account = models.Account
AccountName = Annotated[str, describe(_Account.name, "The company.", "Alfreds Futterkiste")]
AccountCode = Annotated[
    str, describe(_Account.code, "The code in other systems; unique among accounts.", "ALFKI")
]
Email = Annotated[str, describe(_Account.email, "An e-mail address.", "office@example.com")]
Phone = Annotated[str, describe(_Account.phone, _DIALLED, "030-0074321")]
Website = Annotated[
    str,
    describe(
        _Account.website,
        _LINKED,
        "https://example.com",
    ),
]
Address = Annotated[str, describe(_Account.address, "Street and number.", "Obere Str. 57")]
City = Annotated[str, describe(_Account.city, "The city.", "Berlin")]
Region = Annotated[str, describe(_Account.region, "A state or province.", "WA")]
PostalCode = Annotated[str, describe(_Account.postal_code, "The postal code.", "12209")]
Country = Annotated[str, describe(_Account.country, "The country.", "Germany")]

# --- contacts ---------------------------------------------------------------------
_Person = models.Person
ContactName = Annotated[str, describe(_Person.name, "The person.", "Maria Anders")]
ContactTitle = Annotated[
    str, describe(models.Contact.title, "Their position.", "Sales Representative")
]
Fax = Annotated[str, describe(_Account.phone, _DIALLED, "030-0076545")]

# --- people -----------------------------------------------------------------------
Birthday = Annotated[date, Meta(description="Day of birth.", examples=["1980-05-17"])]
DoNotContact = Annotated[
    bool, Meta(description="Whether the person must not be called, written or mailed.")
]
ConsentGivenOn = Annotated[
    date, Meta(description="When the person agreed to be contacted.", examples=["2026-11-21"])
]
ConsentHow = Annotated[
    str, describe(_Person.consent_how, "How they agreed.", "At the fair, in writing")
]
ConsentWithdrawnOn = Annotated[
    date, Meta(description="When they took it back.", examples=["2026-11-28"])
]
IsMain = Annotated[
    bool, Meta(description="Whether this is the main contact; each account has one at most.")
]
PhoneLabel = Annotated[
    Literal["work", "mobile", "home", "fax", "other"], Meta(description="Its use; `work` is usual.")
]
AddressLabel = Annotated[
    Literal["work", "home", "other"], Meta(description="Its use; `work` is usual.")
]
Number = Annotated[str, describe(models.PersonPhone.number, _DIALLED, "030-0074321")]
PersonalEmail = Annotated[
    str, describe(models.PersonEmail.email, "An e-mail address.", "maria@example.com")
]

# --- goods ------------------------------------------------------------------------
_Good = models.Good
GoodCode = Annotated[str, describe(_Good.code, "The code; different for all.", "11")]
GoodName = Annotated[str, describe(_Good.name, "The name of the good.", "Queso Cabrales")]
Category = Annotated[str, describe(_Good.category, "The category in the goods.", "Dairy Products")]
Unit = Annotated[str, describe(_Good.unit, "How it is sold.", "1 kg pkg.")]
Stock = Annotated[int, _about("How many there are; orders take from it.", 22, minimum=0)]
Description = Annotated[str, describe(_Good.description, "More about it.", "A blue cheese.")]

# --- extras -----------------------------------------------------------------------
TagName = Annotated[str, describe(models.Tag.name, "Without commas.", "Key account")]
Tags = Annotated[
    list[TagName],
    Meta(description="The names of its tags. New names become tags.", examples=[["Key account"]]),
]

CustomValues = Annotated[
    dict[str, Any],
    Meta(
        description="The values of its custom fields by key: text, decimals as text, days, true or "
        "false. Fields that are not sent stay; null empties one.",
        examples=[{"colour": "red"}],
    ),
]
ShownValues = Annotated[
    dict[str, str | bool], Meta(description="The values of its custom fields by key.")
]

# --- orders -----------------------------------------------------------------------
_Order = models.Order
State = Annotated[OrderState, Meta(description="Where the order stands.")]
OrderNumber = Annotated[
    str, Meta(description="The number of the order, as users know it.", examples=["Q000017"])
]
OrderedOn = Annotated[
    date, Meta(description="The day of the order; today if not given.", examples=["2026-11-21"])
]
RequiredOn = Annotated[
    date, Meta(description="When the customer needs it; not in the past.", examples=["2030-12-01"])
]
ShippedOn = Annotated[date, Meta(description="When it left.", examples=["2026-11-28"])]
ShipName = Annotated[str, describe(_Order.ship_name, "The recipient.", "Alfreds Futterkiste")]
ShipAddress = Annotated[str, describe(_Order.ship_address, "Street and number.", "Obere Str. 57")]
ShipCity = Annotated[str, describe(_Order.ship_city, "The city.", "Berlin")]
ShipRegion = Annotated[str, describe(_Order.ship_region, "A state or province.", "WA")]
ShipPostalCode = Annotated[str, describe(_Order.ship_postal_code, "The postal code.", "12209")]
ShipCountry = Annotated[str, describe(_Order.ship_country, "The country.", "Germany")]
Remark = Annotated[str, describe(_Order.remark, "For internal use.", "Call before delivery.")]
Net = Annotated[Decimal, _about("The exact sum of the lines.", "814.500000")]
Amount = Annotated[Decimal, _about("quantity x price x (1 - discount), exactly.", "19.950000")]
Quantity = Annotated[int, _about("How many, from 1.", 2, minimum=1)]
LinePrice = Annotated[
    Decimal, _about("For one; without it the price that the good has now.", "10.50")
]
Discount = Annotated[Decimal, _about("A fraction from 0 to 1 with at most three decimals.", "0.05")]
SentLinePrice = Annotated[
    SentDecimal, _about("For one; without it the price that the article has now.", "10.50")
]
SentDiscount = Annotated[
    SentDecimal, _about("A fraction from 0 to 1 with at most three decimals.", "0.05")
]
