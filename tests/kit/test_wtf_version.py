"""The documented optimistic lock: of two users with the same page, neither loses a text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import redirect, render_template_string
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError
from wtforms import StringField

from quarterdeck.app import Quart
from quarterdeck.exceptions import FormVersionError
from quarterdeck.sqlalchemy import ModelMixin, SQLAlchemy
from quarterdeck.wtf import JSONForm, QuartForm, VersionField
from tests import databases

pytestmark = pytest.mark.feature("W1", "D3")


class Model(ModelMixin, DeclarativeBase):
    """The base of the tables."""


class Note(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(200))
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class NoteForm(QuartForm):
    text = StringField()
    version = VersionField()


class JSONNoteForm(JSONForm):
    text = StringField()
    version = VersionField()


PAGE = (
    '<form method="post">{{ form.hidden_tag() }}{{ form.text }}</form>{{ note.text }} {{ errors }}'
)


@pytest.fixture
def db() -> SQLAlchemy:
    return SQLAlchemy(model_class=Model)


@pytest.fixture
def app(db: SQLAlchemy, tmp_path: Path) -> Quart:
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.config.update(SQLALCHEMY_DATABASE_URI=databases.uri(tmp_path), WTF_CSRF_ENABLED=False)
    db.init_app(app)
    arrivals = asyncio.Barrier(2)

    @app.route("/<int:id>", methods=["GET", "POST"])
    async def edit(id: int) -> Any:
        note = await db.get_or_404(Note, id)
        form = await NoteForm.from_request(obj=note)
        if await form.validate_on_submit():
            if str(form.text.data).startswith("at once"):
                await arrivals.wait()
            async with db.transaction():
                form.populate_obj(note)
            return redirect(f"/{id}")
        status = 409 if form.version.is_outdated else 200
        page = await render_template_string(PAGE, form=form, note=note, errors=form.version.errors)
        return page, status

    @app.post("/new")
    async def create() -> Any:
        form = await NoteForm.from_request()
        assert await form.validate_on_submit(), form.errors
        note = Note()
        form.populate_obj(note)
        async with db.transaction() as session:
            session.add(note)
        return {"version": note.version}

    @app.put("/api/<int:id>")
    async def replace(id: int) -> Any:
        note = await db.get_or_404(Note, id)
        form = await JSONNoteForm.from_request(obj=note)
        if not await form.validate():
            return form.errors, 409 if form.version.is_outdated else 400
        async with db.transaction():
            form.populate_obj(note)
        return {"version": note.version}

    @app.errorhandler(StaleDataError)
    async def stale(_error: StaleDataError) -> Any:
        return "another user was faster", 409

    return app


@pytest.fixture
async def client(app: Quart, db: SQLAlchemy) -> AsyncIterator[Any]:
    async with app.test_app() as running:
        async with app.app_context():
            await db.create_all()
            async with db.transaction() as session:
                session.add(Note(text="as it was"))
        yield running.test_client()


async def text_of(db: SQLAlchemy, app: Quart) -> str:
    async with app.app_context():
        return (await db.session.get_one(Note, 1)).text


def version_in(page: str) -> str:
    found = re.search(r'name="version" type="hidden" value="(\d*)"', page)
    assert found, page
    return found[1]


async def test_the_second_of_two_users_sees_the_change_before_it_is_lost(
    client: Any, app: Quart, db: SQLAlchemy
) -> None:
    page = await (await client.get("/1")).get_data(as_text=True)
    version = version_in(page)

    first = await client.post("/1", form={"text": "of the first", "version": version})
    second = await client.post("/1", form={"text": "of the second", "version": version})

    assert first.status_code == 302
    assert second.status_code == 409
    assert await text_of(db, app) == "of the first"
    page = await second.get_data(as_text=True)
    assert 'value="of the second"' in page
    assert "</form>of the first" in page
    assert "was changed after you opened the page. Your entries are still here" in page

    again = await client.post("/1", form={"text": "of both", "version": version_in(page)})
    assert again.status_code == 302
    assert await text_of(db, app) == "of both"


async def test_of_two_at_the_same_moment_one_is_refused_by_the_database(
    client: Any, app: Quart, db: SQLAlchemy
) -> None:
    forms = ({"text": f"at once {n}", "version": "1"} for n in range(2))
    answers = await asyncio.gather(*(client.post("/1", form=form) for form in forms))

    codes = [answer.status_code for answer in answers]
    assert sorted(codes) == [302, 409]
    assert await text_of(db, app) == f"at once {codes.index(302)}"


@pytest.mark.parametrize("version", [None, "", "0", "2", "one"])
async def test_a_page_without_the_version_of_the_row_changes_nothing(
    client: Any, app: Quart, db: SQLAlchemy, version: str | None
) -> None:
    form = {"text": "changed"} | ({} if version is None else {"version": version})
    assert (await client.post("/1", form=form)).status_code == 409
    assert await text_of(db, app) == "as it was"


async def test_a_form_that_is_wrong_for_another_reason_keeps_its_version(
    client: Any, app: Quart
) -> None:
    """Showing it again, unchecked, must not move it to the version of the row."""
    async with app.test_request_context("/", method="POST", form={"text": "x", "version": "1"}):
        form = await NoteForm.from_request(obj=Note(id=1, text="newer", version=2))
        assert 'value="1"' in str(form.version())
        assert not await form.validate()
        assert 'value="2"' in str(form.version())


async def test_a_form_for_a_new_row_passes(client: Any) -> None:
    response = await client.post("/new", form={"text": "new", "version": ""})
    assert await response.get_json() == {"version": 1}


async def test_a_form_made_without_the_row_is_named(app: Quart) -> None:
    async with app.test_request_context("/", method="POST", form={"text": "x"}):
        form = await NoteForm.from_request()
        assert await form.validate()
        with pytest.raises(FormVersionError, match=r"with 'await MyForm\.from_request\(obj=row"):
            form.populate_obj(Note(version=1))


async def test_over_json(client: Any, app: Quart, db: SQLAlchemy) -> None:
    assert (await client.put("/api/1", json={"text": "x"})).status_code == 409
    assert (await client.put("/api/1", json={"text": "x", "version": 7})).status_code == 409
    response = await client.put("/api/1", json={"text": "right", "version": 1})
    assert await response.get_json() == {"version": 2}
    assert await text_of(db, app) == "right"
