"""The page of one's own tokens."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import flash, make_response, redirect, render_template, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import entered, errors_on, is_valid
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.web.limits import limited

from . import bearer as bearer  # registers how a request is known by its token
from . import bp as bp
from .forms import TokenForm
from .services import check_token, create_token, is_expired, list_tokens, revoke_token

ONCE = _l("It is shown only once: if you did not copy it, revoke it and make another one.")


@bp.get("/")
@login_required
async def index() -> str:
    return await _page(await TokenForm.from_request())


@bp.post("/")
@login_required
@limited("LIMIT_TOKENS")
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form = await TokenForm.from_request()
    values: dict[str, Any] = {
        "name": entered(form.name),
        "scopes": form.chosen_scopes(),
        "days": form.chosen_days(),
    }
    made: dict[str, Any] = {}

    async def work(session: AsyncSession) -> Saved:
        token, secret = await create_token(session, user=current_user, **values)
        made.update(token=token, secret=secret)
        return Saved(
            url_for(".index"),
            _("The token '%(name)s' was made before. %(once)s", name=token.name, once=ONCE),
        )

    if await is_valid(form, partial(check_token, **values)):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            if saved.is_repeated:
                await flash(saved.message, "info")
                return redirect(saved.location, 303)
            # Shown in the answer itself, not after a redirect: it is kept nowhere on the way.
            page = await render_template("tokens/created.html", **made)
            response = await make_response(page, 201)
            response.headers["Cache-Control"] = "no-store"
            return response
    return await _page(form), 422


@bp.post("/<int:token_id>/revoke")
@login_required
async def revoke(token_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        token = await revoke_token(session, token_id=token_id, user=current_user)
    await flash(
        _("The token '%(name)s' is revoked. It no longer works.", name=token.name), "success"
    )
    return redirect(url_for(".index"), 303)


async def _page(form: TokenForm) -> str:
    tokens = await list_tokens(db.session, user=current_user)
    return await render_template(
        "tokens/index.html", form=form, tokens=tokens, is_expired=is_expired, now=utc_now()
    )
