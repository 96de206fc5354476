"""People of the demonstration company: at one account or two, with and without consent."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from quarterdeck_crm.models import (
    Contact,
    Label,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
)
from quarterdeck_crm.models.references import new_reference

SEED = 20261127
TITLES = ("Owner", "Purchasing", "Captain", "Accounting", "Sales manager")
WAYS = ("At the boat show, in writing", "Form on our website", "By phone, noted in the order")

Rows = list[dict[str, Any]]


def make_people(accounts: Rows, titles: random.Random, today: datetime) -> dict[type[Any], Rows]:
    """Return the rows of people by their tables, and take ``contacts`` from the accounts.

    Args:
        accounts: With their ids, and the names of their people as ``contacts``.
        titles: Chooses the positions.
        today: The moment that the dates count back from.
    """
    chance = random.Random(SEED)
    people: Rows = []
    rows: dict[type[Any], Rows] = {Person: people}
    rows |= {PersonPhone: [], PersonEmail: [], PersonAddress: [], Contact: []}
    for account in accounts:
        for place, name in enumerate(account.pop("contacts")):
            id_ = len(people) + 1
            people.append(_person(name, account["created_at"], today, chance))
            title = titles.choice(TITLES)
            main = True if place == 0 else None
            rows[Contact].append(
                {"account_id": account["id"], "person_id": id_, "title": title, "main": main}
            )
            rows[PersonEmail].append(
                _part(
                    id_, 1, Label.WORK, email=f"person-{place + 1}@customer-{account['id']}.example"
                )
            )
            rows[PersonPhone].append(_part(id_, 1, Label.WORK, number=account["phone"]))
            if chance.random() < 0.4:
                number = f"+49 15{chance.randrange(10)} {chance.randrange(10**7, 10**8)}"
                rows[PersonPhone].append(_part(id_, 2, Label.MOBILE, number=number))
            if chance.random() < 0.15:
                where = {name: account[name] for name in ("address", "city", "postal_code")}
                where |= {"region": None, "country": account["country"]}
                rows[PersonAddress].append(_part(id_, 1, Label.WORK, **where))
    for person_id in chance.sample(range(1, len(people) + 1), len(people) // 20):
        # An adviser, who also works for another company.
        own = next(row for row in rows[Contact] if row["person_id"] == person_id)["account_id"]
        other = chance.choice([account["id"] for account in accounts if account["id"] != own])
        rows[Contact].append(
            {"account_id": other, "person_id": person_id, "title": "Adviser", "main": None}
        )
    return rows


def _person(name: str, since: datetime, today: datetime, chance: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {
        "reference": new_reference(),
        "name": name[:120],
        "birthday": None,
        "do_not_contact": chance.random() < 0.03,
        "consent_given_on": None,
        "consent_how": None,
        "consent_withdrawn_on": None,
        "created_at": since,
        "updated_at": since,
    }
    if chance.random() < 0.2:
        row["birthday"] = (today - timedelta(days=chance.randrange(25 * 365, 65 * 365))).date()
    if chance.random() < 0.5:
        row["consent_given_on"] = since.date()
        row["consent_how"] = chance.choice(WAYS)
        if row["do_not_contact"]:
            row["consent_withdrawn_on"] = today.date()
    return row


def _part(person_id: int, position: int, label: Label, **values: Any) -> dict[str, Any]:
    return {"person_id": person_id, "position": position, "label": label.value, **values}
