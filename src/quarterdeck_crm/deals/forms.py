"""The forms of deals and of the pipeline. The services validate the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import (
    DateField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from quarterdeck.babel import gettext as _
from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.fields import MoneyField, WholeField, offered
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Contact, Deal, DealStage, Person, StageKind
from quarterdeck_crm.orders.forms import LinesForm
from quarterdeck_crm.orders.lines import rows_of
from quarterdeck_crm.search.autocomplete import label

from .stages import MAX_STAGES, StageEntry

KINDS = {
    StageKind.OPEN.value: _l("Open"),
    StageKind.WON.value: _l("Won"),
    StageKind.LOST.value: _l("Lost"),
}


def _id_or_none(text: Any) -> int | None:
    return int(text) if text else None


class DealForm(LinesForm):
    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=200)])
    stage_id = SelectField(_l("Stage"), coerce=_id_or_none, choices={})
    contact_id = SelectField(
        _l("Contact"),
        coerce=_id_or_none,
        choices={},
        description=_l("One of the contacts of the account."),
    )
    value = MoneyField(
        _l("Value"),
        [Optional(), NumberRange(min=0)],
        description=_l("With lines it is their sum."),
    )
    own_probability = WholeField(
        _l("Probability %"),
        [Optional(), NumberRange(0, 100)],
        description=_l("Empty is that of the stage."),
    )
    expected_on = DateField(_l("Expected on"), [Optional()])
    remark = TextAreaField(_l("Remark"), [Length(max=20_000)])

    def offer_stages(self, stages: Sequence[DealStage]) -> None:
        """Offer the stages of open deals."""
        self.stage_id.choices = {
            str(stage.id): stage.name for stage in stages if stage.kind is StageKind.OPEN
        } or {"": _("No stages yet")}

    async def offer_contacts(self, session: AsyncSession, account_id: int | None) -> None:
        """Offer the contacts of the account."""
        rows = await list_contacts(session, account_id)
        self.contact_id.choices = {"": _("No contact")} | {str(id_): name for id_, name in rows}

    def header(self) -> dict[str, Any]:
        """Return the values as the services take them."""
        values = super().header()
        values.pop("stage_id", None)
        values["value"] = values["value"] or 0
        return values


async def list_contacts(session: AsyncSession, account_id: int | None) -> list[tuple[int, str]]:
    """Return id and name of the contacts of an account, by name; none without an account."""
    if account_id is None:
        return []
    named = select(Contact.id, Person.name).join(Contact.person)
    named = named.where(Contact.account_id == account_id)
    rows = await session.execute(named.order_by(Person.name_key, Contact.id))
    return [(id_, name) for id_, name in rows]


def form_data(deal: Deal) -> dict[str, Any]:
    """Return the values that the form of a deal shows."""
    names = (
        "name", "contact_id", "owner_id", "value", "currency", "own_probability", "expected_on",
        "remark", "version",
    )  # fmt: skip
    return {name: getattr(deal, name) for name in names} | {
        "account": label(deal.account),
        "lines": rows_of(deal.lines),
    }


def _kind(word: Any) -> StageKind:
    """Return the chosen kind; the field refuses what is none."""
    return StageKind(word) if word in list(StageKind) else StageKind.OPEN


class StageForm(Form):
    id = WholeField(_l("Id"), [Optional()], widget=HiddenInput())
    name = StringField(_l("Stage"), [Optional(), Length(max=60)])
    probability = WholeField(_l("Probability %"), [Optional(), NumberRange(0, 100)])
    kind = SelectField(_l("Kind"), choices=offered(KINDS), default=StageKind.OPEN.value)


class PipelineForm(QuartForm):
    seen = HiddenField()
    stages = FieldList(FormField(StageForm), "Stages", max_entries=MAX_STAGES + 2)
    reasons = TextAreaField(_l("Reasons for lost deals"), description=_l("One in each line."))

    def entries(self) -> list[StageEntry]:
        """Return the stages that have a name, in their order."""
        return [
            StageEntry(
                entry.form.id.data,
                entry.form.name.data or "",
                entry.form.probability.data,
                _kind(entry.form.kind.data),
            )
            for entry in self.stages
            if (entry.form.name.data or "").strip()
        ]

    def reason_list(self) -> list[str]:
        """Return the reasons, one for each line that is not empty."""
        return [line.strip() for line in (self.reasons.data or "").splitlines() if line.strip()]
