"""The page of a good, which the views of the good and of its picture return."""

from __future__ import annotations

from quart import render_template

from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.history.wording import read_history
from quarterdeck_crm.models import Good

from .forms import PictureForm
from .services import GOODS_EDITOR


async def show_page(good: Good, picture_form: PictureForm) -> str:
    """Return the page of a good, with its picture and history."""
    return await render_template(
        "goods/show.html",
        good=good,
        picture_form=picture_form,
        extras=await read_extras(db.session, Good, [good.id]),
        history=await read_history(db.session, good),
        may_edit=may_edit(),
    )


def may_edit() -> bool:
    """Return whether the current user may change the goods."""
    return bool(current_user.has_role(GOODS_EDITOR))
