"""The contacts of an account for programs."""

from __future__ import annotations

from quart import url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.accounts import details
from quarterdeck_crm.accounts.services import get_account
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Contact

from . import bp, schemas
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .idempotency import once
from .operations import operation
from .pagination import PageQuery, page_fields
from .schemas import ContactBody

GROUP = "Contacts"
LIST = "/accounts/<int:account_id>/contacts"
ONE = f"{LIST}/<int:contact_id>"


@bp.get(LIST)
@operation(GROUP, query=PageQuery, answers=schemas.ContactPage)
async def list_contacts(account_id: int, query_args: PageQuery) -> Answer:
    """List the people at an account, by name."""
    account = await get_account(db.session, account_id=account_id)
    listing = Listing(
        page=query_args.page,
        per_page=query_args.per_page,
        after=query_args.after,
        before=query_args.before,
    )
    page = await details.list_contacts(db.session, account=account, listing=listing)
    items = [schemas.Contact.of(contact) for contact in page]
    return Answer(schemas.ContactPage(items=items, **page_fields(page)))


@bp.post(LIST)
@operation(GROUP, body=ContactBody, answers=schemas.Contact, status=201, repeatable=True)
async def create_contact(account_id: int, data: ContactBody) -> Answer:
    """Add a person to an account."""

    async def work(session: AsyncSession) -> Answer:
        account = await get_account(session, account_id=account_id)
        contact = await details.add_contact(
            session, actor=current_user, account=account, values=data.given()
        )
        url = url_for("api.read_contact", account_id=account_id, contact_id=contact.id)
        return _answer(contact, status=201, location=url)

    return await once(data, work)


@bp.get(ONE)
@operation(GROUP, answers=schemas.Contact)
async def read_contact(account_id: int, contact_id: int) -> Answer:
    """Read a contact."""
    _, contact = await _load(db.session, account_id, contact_id)
    return _answer(contact)


@bp.put(ONE)
@operation(GROUP, body=ContactBody, needs=Needs.ALL, answers=schemas.Contact, locks=True)
async def replace_contact(account_id: int, contact_id: int, data: ContactBody) -> Answer:
    """Replace all fields of a contact.

    All must be there, so that none is emptied by mistake.
    """
    return await _update(account_id, contact_id, data)


@bp.patch(ONE)
@operation(GROUP, body=ContactBody, needs=Needs.NONE, answers=schemas.Contact, locks=True)
async def change_contact(account_id: int, contact_id: int, data: ContactBody) -> Answer:
    """Change some fields of a contact; null empties one."""
    return await _update(account_id, contact_id, data)


@bp.delete(ONE)
@operation(GROUP, status=204, locks=True)
async def remove_contact(account_id: int, contact_id: int) -> Answer:
    """Remove a person from an account; the person stays, see `/people`."""
    async with db.transaction() as session:
        account, contact = await _load(session, account_id, contact_id)
        expected_version(contact.person)
        await details.remove_contact(session, actor=current_user, account=account, contact=contact)
    return NOTHING


async def _update(account_id: int, contact_id: int, data: ContactBody) -> Answer:
    async with db.transaction() as session:
        account, contact = await _load(session, account_id, contact_id)
        await details.update_contact(
            session,
            actor=current_user,
            account=account,
            contact=contact,
            values=data.given(),
            version=expected_version(contact.person),
        )
        return _answer(contact)


async def _load(session: AsyncSession, account_id: int, contact_id: int) -> tuple[Account, Contact]:
    account = await get_account(session, account_id=account_id)
    return account, await details.get_contact(session, account=account, contact_id=contact_id)


def _answer(contact: Contact, *, status: int = 200, location: str | None = None) -> Answer:
    body = schemas.Contact.of(contact)
    return Answer(body, status, etag_of(contact.person), location=location)
