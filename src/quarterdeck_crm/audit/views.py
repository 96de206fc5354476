"""The page of the audit log, for administrators."""

from __future__ import annotations

from quart import render_template, request

from quarterdeck.login import role_required
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Role

from . import bp as bp
from .services import FILTERS, PERIODS, SORTS, list_events
from .wording import LABELS, details, subject_text


@bp.get("/")
@role_required(Role.ADMIN)
async def index() -> str:
    listing = Listing.from_args(request.args, sorts=SORTS, default="-time", filters=FILTERS)
    return await render_template(
        "audit/index.html",
        events=await list_events(db.session, listing=listing),
        listing=listing,
        labels=LABELS,
        details=details,
        subject_text=subject_text,
        periods=[(name, label) for name, (label, _) in PERIODS.items()],
    )
