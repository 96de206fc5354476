"""The results of a search, as the API answers them."""

from __future__ import annotations

from typing import Any, Self

from msgspec import Struct

from . import fields as f
from .deal_schemas import DealSummary
from .schemas import Account, Good, OrderSummary, PersonSummary
from .task_schemas import Task


class FoundNote(Struct, kw_only=True):
    """A note, and the record that it belongs to."""

    id: f.Id
    excerpt: str
    subject_type: str
    subject_id: f.Id
    subject: str

    @classmethod
    def of(cls, hit: Any) -> Self:
        note = hit.row
        return cls(
            id=note.id,
            excerpt=hit.title,
            subject_type=note.subject_type,
            subject_id=note.subject_id,
            subject=hit.detail,
        )


class FoundFile(Struct, kw_only=True):
    """A file of an account, a deal or an order."""

    id: f.Id
    name: str
    account_id: f.Id | None
    deal_id: f.Id | None
    order_id: f.Id | None
    subject: str

    @classmethod
    def of(cls, hit: Any) -> Self:
        file = hit.row
        return cls(
            id=file.id,
            name=file.name,
            account_id=file.account_id,
            deal_id=file.deal_id,
            order_id=file.order_id,
            subject=hit.detail,
        )


class FoundUser(Struct, kw_only=True):
    """A user of the team."""

    id: f.Id
    name: str
    email: str

    @classmethod
    def of(cls, hit: Any) -> Self:
        return cls(id=hit.row.id, name=hit.row.name, email=hit.row.email)


class Found(Struct, kw_only=True):
    """The results of a search, the best of each kind."""

    accounts: list[Account]
    people: list[PersonSummary]
    goods: list[Good]
    orders: list[OrderSummary]
    deals: list[DealSummary]
    tasks: list[Task]
    notes: list[FoundNote]
    files: list[FoundFile]
    users: list[FoundUser]
