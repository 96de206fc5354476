"""The bodies of requests and responses about deals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from quarterdeck_crm import models
from quarterdeck_crm.models import StageKind

from . import fields as f
from .schemas import Body, Line, LineBody, Page, Representation

_Deal = models.Deal
Name = Annotated[str, f.describe(_Deal.name, "What the deal is about.", "Yearly agreement")]
Value = Annotated[
    Decimal, Meta(description="As entered, or the exact sum of the lines.", examples=["1250.00"])
]
SentValue = Annotated[
    f.SentDecimal, Meta(description="With lines it is their sum.", examples=["1250.00"])
]
Percent = Annotated[int, Meta(ge=0, le=100, description="In percent.", examples=[40])]
OwnPercent = Annotated[
    int, Meta(ge=0, le=100, description="In percent; null follows the stage.", examples=[40])
]
ExpectedOn = Annotated[date, Meta(description="When the order is expected.")]
StageId = Annotated[int, Meta(ge=1, le=f.MAX_INTEGER, description="The id of the stage.")]
Reason = Annotated[str, f.describe(_Deal.lost_reason, "Why the deal is lost.", "Price")]
Remark = Annotated[str, f.describe(_Deal.remark, "For internal use.", "Call in May.")]
ContactId = Annotated[
    int, Meta(ge=1, le=f.MAX_INTEGER, description="A contact of the account.", examples=[1])
]


class DealBody(Body):
    required: ClassVar = ("name", "account_id")

    name: Name | UnsetType = UNSET
    account_id: f.Id | UnsetType = UNSET
    contact_id: ContactId | UnsetType | None = UNSET
    owner_id: f.OwnerId | UnsetType | None = UNSET
    stage_id: StageId | UnsetType = UNSET
    value: SentValue | UnsetType = UNSET
    currency: f.Currency | UnsetType = UNSET
    own_probability: OwnPercent | UnsetType | None = UNSET
    expected_on: ExpectedOn | UnsetType | None = UNSET
    remark: Remark | UnsetType | None = UNSET
    lines: list[LineBody] | UnsetType = UNSET
    tags: f.Tags | UnsetType = UNSET
    fields: f.CustomValues | UnsetType = UNSET


class DealSummary(Representation):
    """A deal without its lines."""

    id: f.Id
    name: Name
    account_id: f.Id
    contact_id: ContactId | None
    owner_id: f.OwnerId | None
    stage_id: StageId
    kind: Annotated[StageKind, Meta(description="Of its stage.")]
    value: Value
    currency: f.Currency
    probability: Percent
    own_probability: OwnPercent | None
    expected_on: ExpectedOn | None
    lost_reason: Reason | None
    remark: Remark | None
    moved_at: f.Moment
    order_id: f.Id | None
    created_at: f.Moment
    updated_at: f.Moment
    tags: f.Tags = []
    fields: f.ShownValues = {}


class Deal(DealSummary, kw_only=True):
    """A deal with its lines."""

    lines: list[Line]


class DealPage(Page):
    """A page of deals, without their lines."""

    items: list[DealSummary]


class DealMoveBody(Struct, kw_only=True, forbid_unknown_fields=True):
    stage_id: StageId
    lost_reason: Reason | None = None


class Stage(Representation):
    """A stage of the pipeline."""

    id: f.Id
    name: Annotated[str, Meta(description="Its name.", examples=["Offer sent"])]
    probability: Percent
    kind: Annotated[StageKind, Meta(description="What it means for its deals.")]


class Stages(Struct, kw_only=True):
    """The stages of the pipeline, in their order."""

    items: list[Stage]
