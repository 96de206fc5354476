"""The rooms. All signed-in users may enter them, as with the pages, and speak there.

What is said in the room of a record is kept as a note on it.
"""

from __future__ import annotations

from sqlalchemy import select

from quarterdeck.exceptions import RateLimitExceededError, SayRefusedError
from quarterdeck.sockets import Member
from quarterdeck_crm.errors import DomainError
from quarterdeck_crm.extensions import db, hub
from quarterdeck_crm.models import Account, Contact, Deal, Order, Person, Task, User
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.notifications.records import get_record
from quarterdeck_crm.web.limits import count_use

from .identity import LiveMember


@hub.room("orders")
@hub.room("deals")
@hub.room("tasks")
@hub.room("team")
async def is_for_all(member: Member) -> bool:
    """The lists are open to all signed-in users."""
    return True


@hub.room("order:<int:id>")
async def has_order(member: Member, id: int) -> bool:
    """Whether there is such an order."""
    return await db.session.scalar(select(Order.id).where(Order.id == id)) is not None


@hub.room("account:<int:id>")
async def has_account(member: Member, id: int) -> bool:
    """Whether there is such an account."""
    return await db.session.scalar(select(Account.id).where(Account.id == id)) is not None


@hub.room("deal:<int:id>")
async def has_deal(member: Member, id: int) -> bool:
    """Whether there is such a deal."""
    return await db.session.scalar(select(Deal.id).where(Deal.id == id)) is not None


@hub.room("task:<int:id>")
async def has_task(member: Member, id: int) -> bool:
    """Whether there is such a task."""
    return await db.session.scalar(select(Task.id).where(Task.id == id)) is not None


@hub.room("person:<int:id>")
async def has_person(member: Member, id: int) -> bool:
    """Whether there is such a person."""
    return await db.session.scalar(select(Person.id).where(Person.id == id)) is not None


@hub.room("contact:<int:id>")
async def has_contact(member: Member, id: int) -> bool:
    """Whether there is such a contact: a person at one account, with tasks of its own."""
    return await db.session.scalar(select(Contact.id).where(Contact.id == id)) is not None


@hub.check_say
async def limit_say(member: Member, room: str) -> str | None:
    """Refuse a message that is one too many, over all WebSockets of the user."""
    try:
        await count_use("LIMIT_SAY", f"user {member.id}")
    except RateLimitExceededError as error:
        return error.description
    return None


@hub.keep_say
async def keep_say(member: LiveMember, room: str, text: str) -> bool:
    """Keep what is said about a record as a note on it; the rooms of lists belong to no record."""
    kind, _, record_id = room.partition(":")
    if not record_id:
        return False
    try:
        async with db.transaction() as session:
            actor = await session.get_one(User, member.user_id)
            subject = await get_record(session, kind, int(record_id))
            await add_note(session, actor=actor, subject=subject, body=text)
    except DomainError as error:
        raise SayRefusedError(str(error)) from None
    return True
