"""The JSON API: the services of the pages, for programs."""

from __future__ import annotations

from quarterdeck.app import Blueprint
from quarterdeck_crm.web.limits import limited_together

bp = limited_together("LIMIT_API")(Blueprint("api", __name__, url_prefix="/api/v1"))
