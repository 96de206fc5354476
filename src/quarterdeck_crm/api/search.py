"""One search over everything, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from wtforms import StringField
from wtforms.validators import DataRequired, Length, NumberRange

from quarterdeck.wtf import JSONForm, validate_data
from quarterdeck_crm.accounts.services import list_accounts
from quarterdeck_crm.dashboard.everything import (
    find_deals,
    find_files,
    find_notes,
    find_tasks,
    find_users,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms.fields import WholeField
from quarterdeck_crm.goods.services import list_goods
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Deal, Good, Order, Person
from quarterdeck_crm.orders.services import list_shaped
from quarterdeck_crm.people.services import list_people

from . import bp, schemas
from .answers import Answer
from .deal_schemas import DealSummary
from .extras import with_extras
from .operations import operation
from .search_schemas import Found, FoundFile, FoundNote, FoundUser
from .task_schemas import Task

MAX_LIMIT = 50


class SearchForm(JSONForm):
    q = StringField("Words", [DataRequired("Enter the words to look for."), Length(max=200)])
    limit = WholeField("Most of each kind", [NumberRange(1, MAX_LIMIT)], default=8)


class SearchQuery(Struct, kw_only=True):
    """The arguments of ``SearchForm``, for the document."""

    q: Annotated[str, Meta(min_length=1, max_length=200, description="Words to look for.")]
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="Most of each kind.")] = 8


@bp.get("/search")
@operation("Search", answers=Found, form_query=SearchQuery)
@validate_data(SearchForm)
async def search(form: SearchForm) -> Any:
    """Search records of all kinds, notes, files and users at once.

    Phone numbers are found in any spelling. A note is found by its first 4,000 characters.
    """
    q, limit = form.q.data or "", form.limit.data or MAX_LIMIT
    by_name = Listing(q=q, sort="name", per_page=limit)
    newest = Listing(q=q, sort="date", descending=True, per_page=limit)
    session = db.session
    accounts = [schemas.Account.of(row) for row in await list_accounts(session, listing=by_name)]
    people = [schemas.PersonSummary.of(row) for row in await list_people(session, listing=by_name)]
    goods = [schemas.Good.of(row) for row in await list_goods(session, listing=by_name)]
    orders = await list_shaped(session, listing=newest, shape=schemas.SUMMARY)
    deals = [DealSummary.of(row) for row in await find_deals(session, q=q, limit=limit)]
    found = Found(
        accounts=await with_extras(session, Account, accounts),
        people=await with_extras(session, Person, people),
        goods=await with_extras(session, Good, goods),
        orders=await with_extras(session, Order, orders.items),
        deals=await with_extras(session, Deal, deals),
        tasks=[Task.of(row) for row in await find_tasks(session, q=q, limit=limit)],
        notes=[FoundNote.of(hit) for hit in await find_notes(session, q=q, limit=limit)],
        files=[FoundFile.of(hit) for hit in await find_files(session, q=q, limit=limit)],
        users=[FoundUser.of(hit) for hit in await find_users(session, q=q, limit=limit)],
    )
    return Answer(found)
