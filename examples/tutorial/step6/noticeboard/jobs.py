"""The scheduled jobs. Each run has an app context and a db session of its own."""

from datetime import UTC, datetime, timedelta

from quart import current_app
from sqlalchemy import delete

from noticeboard.extensions import db, hub
from noticeboard.models import Notice


async def remove_old_notices() -> None:
    """Remove the notices that are older than NOTICE_DAYS."""
    oldest = datetime.now(UTC) - timedelta(days=current_app.config["NOTICE_DAYS"])
    async with db.transaction() as session:
        removed = await session.execute(delete(Notice).where(Notice.created_at < oldest))
        hub.publish_after(session, "notices", "changed", {})
    current_app.logger.info("%d notices removed", removed.rowcount)
