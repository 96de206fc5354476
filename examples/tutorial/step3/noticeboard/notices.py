"""The pages of the notices."""

from quart import render_template
from sqlalchemy.orm import joinedload

from noticeboard.models import Notice
from quarterdeck.app import Blueprint

bp = Blueprint("notices", __name__)


async def latest() -> list[Notice]:
    """Return the notices, newest first, each with its author."""
    query = Notice.query.options(joinedload(Notice.author)).order_by(Notice.id.desc())
    return await query.limit(50).all()


@bp.get("/")
async def index() -> str:
    return await render_template("index.html", notices=await latest())
