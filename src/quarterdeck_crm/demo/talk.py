"""Notes, comments and mentions of the demonstration company, and what they notify of."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from quarterdeck_crm.models import Note, Notification, NotificationKind

from .words import COMMENTS

Rows = list[dict[str, Any]]
SHARE = {"deal": 0.5, "order": 0.25, "task": 0.15, "person": 0.1}  # that has a comment
DAYS = 30
UNREAD_FOR = timedelta(days=3)


def make_talk(
    records: Mapping[str, Sequence[tuple[int, int | None]]],
    names: Mapping[int, str],
    notes: Rows,
    *,
    seed: int,
    today: datetime,
) -> dict[type[Any], Rows]:
    """Return the rows of notes and notifications.

    Args:
        records: By kind, the records that may have a comment, each with its owner.
        names: Of the users by their ids.
        notes: Those that exist besides, on accounts.
        seed: Of dice of their own, so that those of everything else fall as before.
        today: The moment that the times count back from.
    """
    dice = random.Random(seed)
    told: list[tuple[dict[str, Any], int, NotificationKind]] = []
    talk: Rows = []
    for kind, share in SHARE.items():
        for id_, owner in records[kind]:
            if dice.random() >= share:
                continue
            author = dice.choice([user for user in names if user != owner])
            # Colleagues of the three users that people sign in as are mentioned more often.
            other = dice.choice([user for user in (1, 2, 3, *names) if user not in {author, owner}])
            text = dice.choice(COMMENTS[kind])
            note = {
                "subject_type": kind,
                "subject_id": id_,
                "author_id": author,
                "body": text.format(colleague=f"@{names[other]}"),
                "created_at": today - timedelta(days=DAYS * dice.random() ** 2),
            }
            talk.append(note)
            if "{colleague}" in text:
                told.append((note, other, NotificationKind.MENTION))
            if owner and kind != "person":
                told.append((note, owner, NotificationKind.COMMENT))
    everything = sorted([*notes, *talk], key=lambda row: row["created_at"])  # as timelines are
    for number, row in enumerate(everything, 1):
        row["id"] = number
    told.sort(key=lambda each: each[0]["id"])
    return {Note: everything, Notification: [_notification(*each, today) for each in told]}


def _notification(
    note: dict[str, Any], user: int, kind: NotificationKind, today: datetime
) -> dict[str, Any]:
    at = note["created_at"]
    return {
        "user_id": user,
        "kind": kind,
        "subject_type": note["subject_type"],
        "subject_id": note["subject_id"],
        "note_id": note["id"],
        "actor_id": note["author_id"],
        "created_at": at,
        "read_at": at + timedelta(hours=5) if today - at > UNREAD_FOR else None,
    }
