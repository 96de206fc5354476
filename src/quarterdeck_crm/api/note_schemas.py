"""The bodies of requests and responses about notes and notifications."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from quarterdeck_crm import models
from quarterdeck_crm.models import MAX_NOTE
from quarterdeck_crm.models import NotificationKind as KindWord
from quarterdeck_crm.notifications.services import Item

from . import fields as f
from .pagination import PageQuery
from .schemas import Body, Page, Representation

RecordKind = Annotated[
    Literal["account", "deal", "order", "person", "task"], Meta(description="The kind of record.")
]
RecordId = Annotated[int, Meta(ge=1, le=f.MAX_INTEGER, description="The id of the record.")]
Text = Annotated[
    str,
    Meta(
        description="The text. `@` and the name of a user notifies that user.",
        examples=["@Ada Anker, they call back on Friday."],
        extra_json_schema={"minLength": 1, "maxLength": MAX_NOTE, "pattern": r"\S"},
    ),
]
Kind = Annotated[
    KindWord,
    Meta(
        description="`mention`: a note names you; `comment`: a note on a record of yours; "
        "`assigned`: a record was given to you; "
        "`handed_over`: the open records of a colleague, the user `record_id`, were."
    ),
]


class NoteQuery(PageQuery):
    record: RecordKind
    record_id: RecordId


class NotificationQuery(PageQuery):
    unread: Annotated[bool, Meta(description="Only those that you have not read.")] = False


class UpToQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    up_to: (
        Annotated[int, Meta(ge=1, le=f.MAX_INTEGER, description="The last one; newer ones stay.")]
        | None
    ) = None


class NoteBody(Body):
    required: ClassVar = ("record", "record_id", "body")

    record: RecordKind | UnsetType = UNSET
    record_id: RecordId | UnsetType = UNSET
    body: Text | UnsetType = UNSET


class NoteTextBody(Body):
    required: ClassVar = ("body",)

    body: Text | UnsetType = UNSET


class Note(Representation):
    """A note on a record."""

    id: f.Id
    record: RecordKind
    record_id: RecordId
    author_id: int | None
    body: Text
    created_at: f.Moment
    edited_at: f.Moment | None

    @classmethod
    def of(cls, row: Any) -> Self:
        note: models.Note = row
        return cls(
            id=note.id,
            record=note.subject_type,  # type: ignore[arg-type]  # one of the kinds
            record_id=note.subject_id,
            author_id=note.author_id,
            body=note.body,
            created_at=note.created_at,
            edited_at=note.edited_at,
        )


class NotePage(Page):
    """A page of notes."""

    items: list[Note]


class Notification(Representation):
    """A notification of the signed-in user."""

    id: f.Id
    kind: Kind
    record: Annotated[
        Literal["account", "deal", "order", "person", "task", "user"],
        Meta(description="The kind of record; `user` for `handed_over`."),
    ]
    record_id: RecordId
    title: Annotated[str, Meta(description="The name of the record, or its number.")]
    note_id: int | None
    actor_id: int | None
    created_at: f.Moment
    read_at: f.Moment | None

    @classmethod
    def of(cls, row: Any) -> Self:
        item: Item = row
        each = item.notification
        return cls(
            id=each.id,
            kind=each.kind,
            record=each.subject_type,  # type: ignore[arg-type]  # one of the kinds
            record_id=each.subject_id,
            title=item.title,
            note_id=each.note_id,
            actor_id=each.actor_id,
            created_at=each.created_at,
            read_at=each.read_at,
        )


class NotificationPage(Page):
    """A page of notifications."""

    items: list[Notification]
