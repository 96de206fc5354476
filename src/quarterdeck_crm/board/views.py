"""The page of the board; its cards are moved by ``orders.move``."""

from __future__ import annotations

from quart import render_template, request

from quarterdeck.login import current_user, login_required
from quarterdeck_crm.extensions import db
from quarterdeck_crm.orders.states import MOVES
from quarterdeck_crm.permissions import may_edit

from . import bp as bp
from .services import read_board


@bp.get("/")
@login_required
async def index() -> str:
    is_mine = request.args.get("owner") == "me"
    columns = await read_board(db.session, owner=current_user if is_mine else None)
    return await render_template(
        "board/index.html", columns=columns, is_mine=is_mine, moves=MOVES, may_edit=may_edit
    )
