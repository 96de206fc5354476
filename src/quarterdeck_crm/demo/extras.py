"""Tags and custom fields of the demonstration company."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from quarterdeck_crm.models import (
    Account,
    CustomField,
    CustomValue,
    Deal,
    FieldType,
    Good,
    Order,
    Person,
    RecordTag,
    Tag,
    TagColour,
)

Rows = list[dict[str, Any]]
# Name and colour, and by kind of record the share that has the tag.
TAGS: tuple[tuple[str, TagColour, dict[type[Any], float]], ...] = (
    ("Key account", TagColour.PURPLE, {Account: 0.08}),
    ("Newsletter", TagColour.BLUE, {Account: 0.25, Person: 0.35}),
    ("At risk", TagColour.RED, {Account: 0.05, Deal: 0.1}),
    ("Fair contact", TagColour.TEAL, {Person: 0.15, Deal: 0.15}),
    ("Rush", TagColour.ORANGE, {Order: 0.02}),
    ("Seasonal", TagColour.YELLOW, {Good: 0.15, Deal: 0.1}),
    ("Sustainable", TagColour.GREEN, {Good: 0.2}),
)
# Kind, label, type, choices, whether lists show it, and the share of records with a value.
FIELDS: tuple[tuple[type[Any], str, FieldType, tuple[str, ...], bool, float], ...] = (
    (
        Account,
        "Industry",
        FieldType.CHOICE,
        ("Retail", "Wholesale", "Online"),
        True,
        0.8,
    ),
    (Account, "Employees", FieldType.NUMBER, (), False, 0.5),
    (Account, "Customer since", FieldType.DATE, (), False, 0.6),
    (Person, "Language", FieldType.CHOICE, ("English", "German", "Chinese"), True, 0.7),
    (Person, "Hobby", FieldType.TEXT, (), False, 0.2),
    (Deal, "Source", FieldType.CHOICE, ("Website", "Fair", "Recommendation", "Call"), True, 0.9),
    (Order, "Gift wrapping", FieldType.YES_NO, (), False, 0.02),
    (Good, "Shelf life (days)", FieldType.NUMBER, (), False, 0.4),
)
HOBBIES = ("Sailing", "Hiking", "Cooking", "Football", "Choir", "Photography")
MOST = 2_000  # records of a kind that get any, the newest ones


def make_extras(
    present: dict[type[Any], Sequence[int]], *, seed: int, today: datetime
) -> dict[type[Any], Rows]:
    """Return the rows of tags, fields and their values.

    Args:
        present: The ids of the records of each kind.
        seed: Of dice of their own, so that those of everything else fall as before.
        today: The moment that days count back from.
    """
    dice = random.Random(seed)
    recent = {model: ids[-MOST:] for model, ids in present.items()}
    found: dict[type[Any], Rows] = {Tag: [], RecordTag: [], CustomField: [], CustomValue: []}
    for tag_id, (name, colour, shares) in enumerate(TAGS, 1):
        found[Tag].append({"id": tag_id, "name": name, "colour": colour})
        found[RecordTag] += [
            {"kind": model.__tablename__, "record_id": id_, "tag_id": tag_id}
            for model, share in shares.items()
            for id_ in recent[model]
            if dice.random() < share
        ]
    for field_id, (model, label, type_, options, in_list, share) in enumerate(FIELDS, 1):
        key = label.partition(" (")[0].lower().replace(" ", "_")
        row = {"id": field_id, "kind": model.__tablename__, "key": key, "label": label}
        row |= {"type": type_, "options": [*options], "in_list": in_list, "position": field_id}
        found[CustomField].append(row)
        found[CustomValue] += [
            {"kind": model.__tablename__, "record_id": id_, "field_id": field_id}
            | dict.fromkeys(("text", "number", "day", "flag"))
            | _value(type_, options, dice, today)
            for id_ in recent[model]
            if dice.random() < share
        ]
    return found


def _value(
    type_: FieldType, options: Sequence[str], dice: random.Random, today: datetime
) -> dict[str, Any]:
    match type_:
        case FieldType.NUMBER:
            return {"number": dice.choice((3, 8, 12, 30, 60, 90, 180, 365))}
        case FieldType.DATE:
            return {"day": (today - timedelta(days=dice.randrange(30, 4_000))).date()}
        case FieldType.YES_NO:
            return {"flag": dice.random() < 0.8}
        case _:
            return {"text": dice.choice(options or HOBBIES)}
