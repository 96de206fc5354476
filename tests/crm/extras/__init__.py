from __future__ import annotations

from typing import Any

from sqlalchemy import select

from quarterdeck_crm.models import AuditEvent
from tests.crm.trading import Trade


async def audit_lines(trade: Trade, about: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Return action, subject and detail of the audit log where the subject begins with a text."""
    query = select(AuditEvent).where(AuditEvent.subject.startswith(about)).order_by(AuditEvent.id)
    async with trade.session() as session:
        return [(e.action.value, e.subject, e.detail) for e in await session.scalars(query)]
