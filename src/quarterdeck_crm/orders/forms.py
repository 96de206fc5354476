"""The editor of an order: its fields, and the values that services take."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug.datastructures import MultiDict
from wtforms import DateField, FieldList, Form, FormField, StringField, TextAreaField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from quarterdeck.babel import gettext as _
from quarterdeck_crm.extras.records import is_extra
from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.fields import (
    ExactField,
    LinesField,
    MoneyField,
    OwnerField,
    PickField,
    WholeField,
)
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Account, Deal, Good, Order, OrderState
from quarterdeck_crm.search.autocomplete import label, pick
from quarterdeck_crm.validation import longest

from .lines import MAX_LINES, LineEntry, rows_of
from .states import EDITABLE
from .stock import find_shortages

_LINE = re.compile(r"lines-([0-9]{1,4})-(good|quantity|price|discount)(?:_id)?")


def at_most_one_decimal(form: Form, field: ExactField) -> None:
    """Refuse a percentage that a fraction of three decimals cannot hold."""
    if field.data is not None and field.data != round(field.data, 1):
        raise ValidationError(_("At most one decimal is allowed."))


class LineForm(Form):
    in_stock: int | None = None
    is_short = False

    good = PickField(_l("Good"), [DataRequired(_l("Choose a good."))])
    quantity = WholeField(
        _l("Quantity"), [InputRequired(_l("Enter how many.")), NumberRange(min=1)]
    )
    price = MoneyField(_l("Price"), [Optional(), NumberRange(min=0)])
    discount = ExactField(
        _l("Discount %"), [Optional(), NumberRange(min=0, max=100), at_most_one_decimal]
    )


class LinesForm(VersionedForm):
    """An account, an owner, a currency, and lines of goods."""

    submission = SubmissionField()
    account = PickField(_l("Account"), [DataRequired(_l("Choose an account."))])
    owner_id = OwnerField(_l("Owner"))
    currency = StringField(
        _l("Currency"),
        [DataRequired(_l("Enter a currency.")), Length(max=3)],
        filters=[lambda text: text.strip().upper() if text else text],
    )
    lines = FieldList(FormField(LineForm), "Lines", max_entries=MAX_LINES)

    def number_lines(self) -> None:
        """Name each line in its labels, for lists of errors and screen readers."""
        if "lines" not in self:
            return
        for number, entry in enumerate(self.lines, 1):
            for field in entry.form:
                plain = vars(field).setdefault("plain_label", field.label.text)
                field.label.text = _("%(label)s, line %(number)s", label=plain, number=number)

    async def settle(self, session: AsyncSession) -> bool:
        """Find the rows that the account and the goods mean; False if one is in doubt."""
        chosen: dict[type[Any], list[PickField]] = {Account: [], Good: []}
        if "account" in self:
            chosen[Account] = [self.account]
        if "lines" in self:
            chosen[Good] = [entry.form.good for entry in self.lines]
        for model, fields in chosen.items():
            found = await pick(session, model, {field.data for field in fields if field.data})
            for field in fields:
                if field.data:
                    field.settle(found[field.data])
        return all(field.row is not None for fields in chosen.values() for field in fields)

    async def recognize_goods(self, session: AsyncSession) -> None:
        """Find the goods of lines that are not settled, as far as they are beyond doubt."""
        open_fields: dict[str, list[PickField]] = defaultdict(list)
        for entry in self.lines:
            field = entry.form.good
            if field.data and field.row is None and not field.errors:
                open_fields[field.data].append(field)
        if open_fields:
            found = await pick(session, Good, open_fields)
            for words, fields in open_fields.items():
                for field in fields:
                    field.recognize(found[words])

    def take_goods(self, order: Order | Deal) -> None:
        """Take the goods of a row for the lines that were made from it."""
        if "lines" in self:
            for entry, line in zip(self.lines, order.lines, strict=True):
                entry.form.good.row = line.good  # type: ignore[attr-defined]  # of both kinds of lines

    def mark_shortages(self) -> None:
        """Note at each line how many there are, and whether all lines together want more."""
        wanted = [
            (line.form.good.row, line.form.quantity.data or 0)
            for line in self.lines
            if line.form.good.row is not None
        ]
        short = find_shortages(wanted)
        for line in self.lines:
            if (good := line.form.good.row) is not None:
                line.form.in_stock = good.stock
                line.form.is_short = good.id in short

    def header(self) -> dict[str, Any]:
        """Return the header as the services take it."""
        given = {
            name: value
            for name, value in self.data.items()
            if name not in ("csrf_token", "version", "submission", "lines", "account")
        }
        return given | ({"account_id": _id_of(self.account)} if "account" in self else {})

    def entries(self) -> list[LineEntry] | None:
        """Return the lines as the services take them; None if they are fixed."""
        if "lines" not in self:
            return None
        return [_entry(line.form) for line in self.lines]

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show the errors of a service, also beside the fields of a line."""
        rest = dict(errors)
        for name in errors:
            if match := _LINE.fullmatch(name):
                field = self.lines[int(match[1])].form[match[2]]
                field.errors = [*field.errors, *rest.pop(name)]
                self.lines.errors = [entry.errors for entry in self.lines]
        if "account_id" in rest:
            rest["account"] = rest.pop("account_id")
        super().add_errors(rest)


class OrderForm(LinesForm):
    ordered_on = DateField(_l("Order date"), [DataRequired(_l("Enter a date."))])
    required_on = DateField(_l("Required by"), [Optional()])
    freight = MoneyField(_l("Freight"), [Optional(), NumberRange(min=0)])
    ship_name = StringField(_l("Ship to"), [Length(max=longest(Order.ship_name))])
    ship_address = LinesField(_l("Address"), [Length(max=longest(Order.ship_address))])
    ship_city = StringField(_l("City"), [Length(max=longest(Order.ship_city))])
    ship_region = StringField(_l("Region"), [Length(max=longest(Order.ship_region))])
    ship_postal_code = StringField(_l("Postal code"), [Length(max=longest(Order.ship_postal_code))])
    ship_country = StringField(_l("Country"), [Length(max=longest(Order.ship_country))])
    remark = TextAreaField(_l("Remark"), [Length(max=longest(Order.remark))])

    def keep_editable(self, state: OrderState) -> None:
        """Drop the fields that an order in this state no longer lets anybody change."""
        for name in [name for name in self._fields if name not in ("csrf_token", "version")]:
            column = "account_id" if name == "account" else name
            if column not in EDITABLE[state] and not is_extra(name):
                del self[name]


def form_data(order: Order) -> dict[str, Any]:
    """Return the values that the editor of an order shows."""
    header = {name: getattr(order, name) for name in EDITABLE[order.state] if name != "lines"}
    header.pop("account_id", None)
    return header | {
        "account": label(order.account),
        "lines": rows_of(order.lines),
        "version": order.version,
    }


def tidy_lines(formdata: MultiDict[str, str], *, without: str | None = None) -> MultiDict[str, str]:
    """Return form data with the lines numbered from 0 and empty ones left out.

    Args:
        formdata: As submitted; browsers may leave gaps where lines were removed.
        without: The number of a line to leave out as well.
    """
    tidy: MultiDict[str, str] = MultiDict()
    lines: dict[int, dict[str, str]] = defaultdict(dict)
    for key, value in formdata.items(multi=True):
        if match := _LINE.fullmatch(key):
            lines[int(match[1])][match[2]] = value.strip()
        else:
            tidy.add(key, value)
    kept = [
        line
        for index, line in sorted(lines.items())
        if str(index) != without and any(line.values())
    ]
    for index, line in enumerate(kept):
        for name, value in line.items():
            tidy.add(f"lines-{index}-{name}", value)
    return tidy


def _entry(line: Any) -> LineEntry:
    discount = None if line.discount.data is None else line.discount.data / Decimal(100)
    return LineEntry(_id_of(line.good), line.quantity.data, line.price.data, discount)


def _id_of(field: PickField) -> int | None:
    return field.row.id if field.row is not None else None
