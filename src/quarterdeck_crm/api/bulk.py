"""Changes of many records for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from quarterdeck.login import current_user
from quarterdeck_crm.bulk.kinds import get_kind
from quarterdeck_crm.bulk.runs import change_now
from quarterdeck_crm.models.custom_field import KEY_LENGTH, TEXT_LENGTH
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from . import bp
from .answers import Answer
from .operations import operation

MAX_IDS = 100
Lists = Literal["accounts", "deals", "goods", "orders", "people", "tasks"]
Actions = Literal[
    "archive", "cancel", "confirm", "done", "field", "owner", "pay", "ship", "stage", "tag", "untag"
]


class BulkBody(Struct, kw_only=True, forbid_unknown_fields=True):
    records: Annotated[Lists, Meta(description="What the ids belong to.")]
    action: Annotated[
        Actions,
        Meta(
            description="`archive`: accounts, people, goods. `owner`: accounts, deals, orders and "
            "tasks (their assignee). `stage`: deals. `done`: tasks. `confirm`, `ship`, `pay` and "
            "`cancel`: orders. `tag` and `untag` (add and remove a tag) and `field` (set a custom "
            "field): all but tasks."
        ),
    ]
    ids: Annotated[
        list[Annotated[int, Meta(ge=1, le=MAX_INTEGER)]],
        Meta(min_length=1, max_length=MAX_IDS, description="The records."),
    ]
    value: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MAX_INTEGER,
                description="The id of the user for `owner`, null for none; that of the stage "
                "for `stage`; that of the tag for `tag` and `untag`. For `field` the value, as in "
                "`fields` of a record; null empties the field.",
            ),
        ]
        | Annotated[str, Meta(max_length=TEXT_LENGTH)]
        | bool
        | None
    ) = None
    field: (
        Annotated[str, Meta(max_length=KEY_LENGTH, description="The key of the field for `field`.")]
        | None
    ) = None


class Refused(Struct, kw_only=True):
    """A record that was not changed."""

    id: Annotated[int, Meta(description="Its id.")]
    detail: Annotated[str, Meta(description="The reason.")]


class BulkResult(Struct, kw_only=True):
    """What became of the records."""

    changed: Annotated[list[int], Meta(description="The ids of those that were changed.")]
    refused: Annotated[list[Refused], Meta(description="Those that stayed as they were.")]


@bp.post("/bulk")
@operation("Bulk changes", body=BulkBody, answers=BulkResult)
async def change_many(data: BulkBody) -> Answer:
    """Do the same to many records.

    Each record is changed by itself, with its history and events, or refused with a reason. A
    repeated request changes nothing again: what is so already is refused.
    """
    changed, refused = await change_now(
        actor=current_user,
        kind=get_kind(data.records),
        action=data.action,
        ids=data.ids,
        value=_value(data),
    )
    return Answer(
        BulkResult(changed=changed, refused=[Refused(id=id_, detail=text) for id_, text in refused])
    )


def _value(data: BulkBody) -> str | None:
    """Return the value as the bulk changes take it."""
    value = data.value
    text = ("yes" if value else "no") if isinstance(value, bool) else value
    if data.action == "field":
        return f"{data.field or ''}:{'' if text is None else text}"
    return None if text is None else str(text)
