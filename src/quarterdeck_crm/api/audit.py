"""The audit log for programs of administrators."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from quarterdeck.login import current_user
from quarterdeck_crm.audit import services
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role
from quarterdeck_crm.permissions import require_role
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from . import bp, fields, schemas
from .answers import Answer
from .operations import operation
from .pagination import ListQuery, listing_of, page_fields, sort

GROUP = "Audit"


class AuditQuery(ListQuery):
    sort: Annotated[str, sort(services.SORTS)] = "-time"
    action: fields.AuditAction | None = None
    period: (
        Annotated[Literal["hour", "day", "week", "month"], Meta(description="How far back.")] | None
    ) = None
    user: (
        Annotated[
            int, Meta(ge=1, le=MAX_INTEGER, description="Events by or about the user with this id.")
        ]
        | None
    ) = None


@bp.get("/audit")
@operation(GROUP, query=AuditQuery, answers=schemas.AuditPage)
async def list_audit_events(query_args: AuditQuery) -> Answer:
    """List the events of the audit log; administrators may.

    Words are looked for in the addresses of users, the subjects and the client's addresses.
    """
    require_role(current_user, Role.ADMIN)
    page = await services.list_events(
        db.session, listing=listing_of(query_args, filters=services.FILTERS)
    )
    items = [schemas.AuditEvent.of(event) for event in page]
    return Answer(schemas.AuditPage(items=items, **page_fields(page)))
