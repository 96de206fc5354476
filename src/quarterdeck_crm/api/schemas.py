"""The bodies of requests and responses.

A *body* has a field for all that may be set, and every field may be missing: the required ones
depends on the method (see ``bodies``). A *representation* is made of a row, every field in it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import msgspec
from msgspec import UNSET, Struct, UnsetType

from quarterdeck_crm import models
from quarterdeck_crm.models import OrderState
from quarterdeck_crm.orders.shapes import Shape
from quarterdeck_crm.orders.states import MOVES

from . import fields as f


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of a request.

    Attributes:
        required: The fields that a new row cannot do without.
        optional: The fields that may be missing also where a row is replaced; they stay then.
    """

    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ("tags", "fields")

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent; null is a value, a missing field is not."""
        every = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in every.items() if value is not UNSET}


class Representation(Struct, kw_only=True):
    """The body of a response."""

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the representation of a row."""
        return msgspec.convert(row, cls, from_attributes=True)


class AccountBody(Body):
    required: ClassVar = ("name",)

    name: f.AccountName | UnsetType = UNSET
    code: f.AccountCode | UnsetType | None = UNSET
    owner_id: f.OwnerId | UnsetType | None = UNSET
    email: f.Email | UnsetType | None = UNSET
    phone: f.Phone | UnsetType | None = UNSET
    website: f.Website | UnsetType | None = UNSET
    address: f.Address | UnsetType | None = UNSET
    city: f.City | UnsetType | None = UNSET
    region: f.Region | UnsetType | None = UNSET
    postal_code: f.PostalCode | UnsetType | None = UNSET
    country: f.Country | UnsetType | None = UNSET
    tags: f.Tags | UnsetType = UNSET
    fields: f.CustomValues | UnsetType = UNSET


class Account(Representation):
    """An account."""

    id: f.Id
    name: f.AccountName
    code: f.AccountCode | None
    owner_id: f.OwnerId | None
    email: f.Email | None
    phone: f.Phone | None
    website: f.Website | None
    address: f.Address | None
    city: f.City | None
    region: f.Region | None
    postal_code: f.PostalCode | None
    country: f.Country | None
    created_at: f.Moment
    updated_at: f.Moment
    archived_at: f.Moment | None
    tags: f.Tags = []
    fields: f.ShownValues = {}


class ContactBody(Body):
    required: ClassVar = ("name",)

    name: f.ContactName | UnsetType = UNSET
    title: f.ContactTitle | UnsetType | None = UNSET
    email: f.Email | UnsetType | None = UNSET
    phone: f.Phone | UnsetType | None = UNSET
    fax: f.Fax | UnsetType | None = UNSET


class Contact(Representation):
    """A person at an account."""

    id: f.Id
    account_id: f.Id
    name: f.ContactName
    title: f.ContactTitle | None
    email: f.Email | None
    phone: f.Phone | None
    fax: f.Fax | None
    created_at: f.Moment
    updated_at: f.Moment


class PersonPhone(Representation):
    """A phone number of a person."""

    number: f.Number
    label: f.PhoneLabel = "work"


class PersonEmail(Representation):
    """An e-mail address of a person."""

    email: f.PersonalEmail
    label: f.AddressLabel = "work"


class PersonAddress(Representation):
    """A postal address of a person."""

    label: f.AddressLabel = "work"
    address: f.Address | None = None
    city: f.City | None = None
    region: f.Region | None = None
    postal_code: f.PostalCode | None = None
    country: f.Country | None = None


class PersonAccount(Representation):
    """An account of a person, as ``/accounts/{account_id}/contacts`` lists it too."""

    account_id: f.Id
    title: f.ContactTitle | None = None
    is_main: f.IsMain = False


class PersonBody(Body):
    required: ClassVar = ("name",)

    name: f.ContactName | UnsetType = UNSET
    birthday: f.Birthday | UnsetType | None = UNSET
    do_not_contact: f.DoNotContact | UnsetType = UNSET
    consent_given_on: f.ConsentGivenOn | UnsetType | None = UNSET
    consent_how: f.ConsentHow | UnsetType | None = UNSET
    consent_withdrawn_on: f.ConsentWithdrawnOn | UnsetType | None = UNSET
    phones: list[PersonPhone] | UnsetType = UNSET
    emails: list[PersonEmail] | UnsetType = UNSET
    addresses: list[PersonAddress] | UnsetType = UNSET
    accounts: list[PersonAccount] | UnsetType = UNSET
    tags: f.Tags | UnsetType = UNSET
    fields: f.CustomValues | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, the lists as the services take them."""
        return {
            name: [msgspec.structs.asdict(row) for row in value]
            if isinstance(value, list) and name not in self.optional
            else value
            for name, value in super().given().items()
        }


class PersonSummary(Representation):
    """A person without its postal addresses."""

    id: f.Id
    name: f.ContactName
    birthday: f.Birthday | None
    do_not_contact: f.DoNotContact
    consent_given_on: f.ConsentGivenOn | None
    consent_how: f.ConsentHow | None
    consent_withdrawn_on: f.ConsentWithdrawnOn | None
    phones: list[PersonPhone]
    emails: list[PersonEmail]
    accounts: list[PersonAccount]
    created_at: f.Moment
    updated_at: f.Moment
    archived_at: f.Moment | None
    tags: f.Tags = []
    fields: f.ShownValues = {}


class Person(PersonSummary, kw_only=True):
    """A person."""

    addresses: list[PersonAddress]


class GoodBody(Body):
    required: ClassVar = ("code", "name", "price")

    code: f.GoodCode | UnsetType = UNSET
    name: f.GoodName | UnsetType = UNSET
    category: f.Category | UnsetType | None = UNSET
    unit: f.Unit | UnsetType | None = UNSET
    price: f.SentPrice | UnsetType = UNSET
    currency: f.Currency | UnsetType = UNSET
    stock: f.Stock | UnsetType = UNSET
    description: f.Description | UnsetType | None = UNSET
    tags: f.Tags | UnsetType = UNSET
    fields: f.CustomValues | UnsetType = UNSET


class Good(Representation):
    """A good of the goods."""

    id: f.Id
    code: f.GoodCode
    name: f.GoodName
    category: f.Category | None
    unit: f.Unit | None
    price: f.Price
    currency: f.Currency
    stock: f.Stock
    description: f.Description | None
    created_at: f.Moment
    updated_at: f.Moment
    archived_at: f.Moment | None
    tags: f.Tags = []
    fields: f.ShownValues = {}


class LineBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A line of an order, as sent."""

    good_id: f.Id
    quantity: f.Quantity
    price: f.SentLinePrice | None = None
    discount: f.SentDiscount | None = None


class Line(Representation):
    """A line of an order."""

    good_id: f.Id
    quantity: f.Quantity
    price: f.LinePrice
    discount: f.Discount
    amount: f.Amount


class OrderBody(Body):
    required: ClassVar = ("account_id",)

    account_id: f.Id | UnsetType = UNSET
    owner_id: f.OwnerId | UnsetType | None = UNSET
    currency: f.Currency | UnsetType = UNSET
    ordered_on: f.OrderedOn | UnsetType = UNSET
    required_on: f.RequiredOn | UnsetType | None = UNSET
    freight: f.SentPrice | UnsetType = UNSET
    ship_name: f.ShipName | UnsetType | None = UNSET
    ship_address: f.ShipAddress | UnsetType | None = UNSET
    ship_city: f.ShipCity | UnsetType | None = UNSET
    ship_region: f.ShipRegion | UnsetType | None = UNSET
    ship_postal_code: f.ShipPostalCode | UnsetType | None = UNSET
    ship_country: f.ShipCountry | UnsetType | None = UNSET
    remark: f.Remark | UnsetType | None = UNSET
    lines: list[LineBody] | UnsetType = UNSET
    tags: f.Tags | UnsetType = UNSET
    fields: f.CustomValues | UnsetType = UNSET


class OrderSummary(Representation):
    """An order without its lines."""

    id: f.Id
    number: f.OrderNumber
    state: f.State
    account_id: f.Id
    owner_id: f.OwnerId | None
    currency: f.Currency
    net: f.Net
    freight: f.Price
    ordered_on: f.OrderedOn
    required_on: f.RequiredOn | None
    shipped_on: f.ShippedOn | None
    ship_name: f.ShipName | None
    ship_address: f.ShipAddress | None
    ship_city: f.ShipCity | None
    ship_region: f.ShipRegion | None
    ship_postal_code: f.ShipPostalCode | None
    ship_country: f.ShipCountry | None
    remark: f.Remark | None
    created_at: f.Moment
    updated_at: f.Moment
    tags: f.Tags = []
    fields: f.ShownValues = {}

    @classmethod
    def from_columns(cls, *values: Any) -> Self:
        """Return it from the values of the columns, which need no conversion."""
        return cls(**dict(zip(_SHOWN, values, strict=True)))


_SHOWN = [name for name in OrderSummary.__struct_fields__ if name not in Body.optional]
SUMMARY = Shape(
    tuple(getattr(models.Order, name) for name in _SHOWN),
    OrderSummary.from_columns,
)


class Order(OrderSummary, kw_only=True):
    """An order with its lines, and the states that it can be taken to."""

    lines: list[Line]
    moves: list[OrderState] = []

    @classmethod
    def of(cls, row: models.Order) -> Self:
        order = super().of(row)
        order.moves = [move.target for move in MOVES[row.state]]
        return order


class MoveBody(Struct, kw_only=True, forbid_unknown_fields=True):
    to: f.State


class Links(Struct, kw_only=True):
    """The way to the other pages, as in the ``Link`` header."""

    self: str
    first: str
    prev: str | None
    next: str | None
    last: str | None


class Page(Struct, kw_only=True):
    """A page of a list.

    Where more match than are counted, ``total`` and ``pages`` are how far that went.
    """

    page: int
    per_page: int
    pages: int
    total: int
    total_is_exact: bool
    links: Links


class AccountPage(Page):
    """A page of accounts."""

    items: list[Account]


class ContactPage(Page):
    """A page of contacts."""

    items: list[Contact]


class PersonPage(Page):
    """A page of people."""

    items: list[PersonSummary]


class GoodPage(Page):
    """A page of goods."""

    items: list[Good]


class AuditEvent(Representation):
    """An event of the audit log; names are as they were at the time."""

    id: f.Id
    at: f.Moment
    action: f.AuditAction
    actor_id: int | None
    actor: str | None
    user_id: int | None
    subject: str | None
    address: str | None
    user_agent: str | None
    request_id: str | None
    detail: dict[str, Any]


class AuditPage(Page):
    """A page of the audit log."""

    items: list[AuditEvent]


class OrderPage(Page):
    """A page of orders, without their lines."""

    items: list[OrderSummary]


class Wrong(Struct, kw_only=True, omit_defaults=True):
    """One reason why something was refused, and where it stands."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(Struct, kw_only=True):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Wrong] = []
