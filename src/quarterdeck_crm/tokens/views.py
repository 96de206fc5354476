"""The page of one's own tokens."""

from __future__ import annotations

from quart import flash, make_response, redirect, render_template, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.login import current_user, login_required
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import entered, errors_on
from quarterdeck_crm.models.columns import utc_now

from . import bearer as bearer  # registers how a request is known by its token
from . import bp as bp
from .forms import TokenForm
from .services import create_token, is_expired, list_tokens, revoke_token


@bp.get("/")
@login_required
async def index() -> str:
    return await _page(await TokenForm.from_request())


@bp.post("/")
@login_required
async def create_submit() -> ResponseReturnValue:
    form = await TokenForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                token, secret = await create_token(
                    session,
                    person=current_user,
                    name=entered(form.name),
                    scopes=form.chosen_scopes(),
                    days=form.chosen_days(),
                )
            # Shown in the answer itself, not after a redirect: it is kept nowhere on the way.
            page = await render_template("tokens/created.html", token=token, secret=secret)
            response = await make_response(page, 201)
            response.headers["Cache-Control"] = "no-store"
            return response
    return await _page(form), 422


@bp.post("/<int:token_id>/revoke")
@login_required
async def revoke(token_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        token = await revoke_token(session, token_id=token_id, person=current_user)
    await flash(f"The token '{token.name}' is revoked. It no longer works.", "success")
    return redirect(url_for(".index"), 303)


async def _page(form: TokenForm) -> str:
    tokens = await list_tokens(db.session, person=current_user)
    return await render_template(
        "tokens/index.html", form=form, tokens=tokens, is_expired=is_expired, now=utc_now()
    )
