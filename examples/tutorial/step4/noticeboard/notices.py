"""The pages of the notices."""

from quart import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError
from wtforms import StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length

from noticeboard.extensions import db
from noticeboard.models import Notice
from quarterdeck.app import Blueprint
from quarterdeck.login import current_user
from quarterdeck.wtf import QuartForm, VersionField

bp = Blueprint("notices", __name__)


class NoticeForm(QuartForm):
    title = StringField("Title", validators=[DataRequired(), Length(max=120)])
    text = TextAreaField("Text", validators=[Length(max=5_000)])
    submit = SubmitField("Save")
    version = VersionField()


async def latest() -> list[Notice]:
    """Return the notices, newest first, each with its author."""
    query = Notice.query.options(joinedload(Notice.author)).order_by(Notice.id.desc())
    return await query.limit(50).all()


async def own(number: int) -> Notice:
    """Return a notice of the current user; anything else is refused."""
    notice = await Notice.query.get_or_404(number)
    if notice.author_id != current_user.id:
        abort(403)
    return notice


@bp.get("/")
async def index() -> str:
    return await render_template("index.html", notices=await latest())


@bp.route("/new", methods=["GET", "POST"])
async def new():
    form = await NoticeForm.from_request()
    if await form.validate_on_submit():
        async with db.transaction() as session:
            notice = Notice(author_id=current_user.id)
            form.populate_obj(notice)
            session.add(notice)
        await flash("Your notice is on the board.", "success")
        return redirect(url_for(".index"))
    return await render_template("edit.html", form=form, notice=None)


@bp.route("/<int:number>/edit", methods=["GET", "POST"])
async def edit(number: int):
    notice = await own(number)
    form = await NoticeForm.from_request(obj=notice)
    if await form.validate_on_submit():
        async with db.transaction():
            form.populate_obj(notice)
        return redirect(url_for(".index"))
    page = await render_template("edit.html", form=form, notice=notice)
    return page, 409 if form.version.is_outdated else 200


@bp.errorhandler(StaleDataError)
async def saved_meanwhile(error: StaleDataError):
    """Two requests have saved the same notice at the same moment; this one came second."""
    return await render_template("conflict.html"), 409


@bp.post("/<int:number>/delete")
async def delete(number: int):
    notice = await own(number)
    async with db.transaction() as session:
        await session.delete(notice)
    return redirect(url_for(".index"))
