"""Smaller promises of Flask-WTF that applications rely on."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any

import pytest
import wtforms
from quart.datastructures import FileStorage
from werkzeug.datastructures import MultiDict
from wtforms.validators import DataRequired, Length

from quarterdeck.app import Quart
from quarterdeck.exceptions import ConfigurationError, FileNotSeekableError
from quarterdeck.wtf import (
    CSRFProtect,
    FileAllowed,
    FileField,
    FileRequired,
    FileSize,
    MultipleFileField,
    QuartForm,
    generate_csrf,
)

pytestmark = pytest.mark.feature("W1")


class NameForm(QuartForm):
    name = wtforms.StringField(validators=[DataRequired()])


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="for these tests", TESTING=True)
    CSRFProtect(app)

    @app.route("/", methods=["GET", "POST"])
    async def index() -> str:
        return generate_csrf()

    return app


def picture(name: str = "a.jpg", size: int = 10) -> FileStorage:
    return FileStorage(BytesIO(b"x" * size), filename=name)


class TestProtection:
    async def test_a_token_in_the_header_is_enough_for_a_form(self, app: Quart) -> None:
        @app.post("/form")
        async def form() -> str:
            return str(await (await NameForm.from_request()).validate_on_submit())

        client: Any = app.test_client()
        headers = {"X-CSRFToken": (await client.get("/")).text}
        answer = await client.post("/form", form={"name": "Ada"}, headers=headers)
        assert answer.text == "True"

    async def test_an_empty_field_is_no_token(self, app: Quart) -> None:
        client = app.test_client()
        await client.get("/")
        for field in ("csrf_token", "billing-csrf_token"):
            assert (await client.post("/", form={field: ""})).status_code == 400

    async def test_another_port_is_another_site(self, app: Quart) -> None:
        client: Any = app.test_client()
        headers = {"X-CSRFToken": (await client.get("/")).text}
        for referrer, status in (("https://localhost:8080/", 400), ("https://localhost/", 200)):
            answer = await client.post(
                "/", base_url="https://localhost", headers=headers | {"Referer": referrer}
            )
            assert answer.status_code == status

    async def test_a_refusal_is_logged(self, app: Quart, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "quarterdeck.wtf")
        assert (await app.test_client().post("/")).status_code == 400
        assert caplog.messages == ["POST '/' was refused: token_missing"]

    async def test_a_form_alone_logs_too(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "quarterdeck.wtf")
        app = Quart(__name__)
        app.secret_key = "for these tests"
        async with app.test_request_context("/", method="POST", form={"name": "Ada"}):
            form = await NameForm.from_request()
            assert not await form.validate_on_submit()
            assert list(form.errors) == ["csrf_token"]
        assert caplog.messages == ["POST '/' was refused: token_missing"]

    async def test_a_key_is_needed(self, app: Quart) -> None:
        async with app.test_request_context("/"):
            app.secret_key = None
            with pytest.raises(ConfigurationError, match="SECRET_KEY"):
                generate_csrf()
            assert generate_csrf(secret_key="direct")


class TestFiles:
    class Upload(QuartForm):
        plain = wtforms.FileField(validators=[FileRequired()])
        several = wtforms.MultipleFileField(validators=[FileRequired()])

    class Album(QuartForm):
        files = MultipleFileField(validators=[FileRequired(), FileAllowed(["jpg"])])

    @pytest.mark.parametrize(
        ("value", "valid"),
        [(None, False), (FileStorage(), False), ("text", False), (picture(), True)],
    )
    async def test_required_in_the_fields_of_wtforms(self, value: Any, valid: bool) -> None:
        form = self.Upload(data={"plain": value, "several": [value]})
        assert await form.validate() is valid
        assert set(form.errors) == (set() if valid else {"plain", "several"})

    @pytest.mark.parametrize(
        ("files", "valid"),
        [
            (None, False),
            ("text", False),
            ([FileStorage()], False),
            ([picture(), picture("b.jpg")], True),
            ([picture(), picture("b.png")], False),
        ],
    )
    async def test_each_of_several(self, files: Any, valid: bool) -> None:
        assert await self.Album(data={"files": files}).validate() is valid

    async def test_inputs_without_a_choice_are_no_files(self) -> None:
        class Form(QuartForm):
            one = FileField()
            several = MultipleFileField()

        empty: Any = Form(MultiDict([("one", FileStorage()), ("several", FileStorage())]))
        assert (empty.one.data, empty.several.data) == (None, None)
        chosen = Form(MultiDict([("one", picture()), ("several", picture()), ("several", "x")]))
        assert (chosen.one.data.filename, len(chosen.several.data)) == ("a.jpg", 1)

    @pytest.mark.parametrize(("size", "valid"), [(0, False), (1, True), (100, True), (101, False)])
    async def test_sizes(self, size: int, valid: bool) -> None:
        class Form(QuartForm):
            one = FileField(validators=[FileSize(min_size=1, max_size=100)])
            several = MultipleFileField(validators=[FileSize(min_size=1, max_size=100)])

        form = Form(data={"one": picture(size=size), "several": [picture(size=size)]})
        assert await form.validate() is valid
        assert set(form.errors) == (set() if valid else {"one", "several"})
        assert await Form().validate()

    async def test_a_stream_without_a_size_is_an_error(self) -> None:
        class Pipe(BytesIO):
            def seekable(self) -> bool:
                return False

        class Form(QuartForm):
            one = FileField(validators=[FileSize(100)])

        with pytest.raises(FileNotSeekableError, match=r"'a\.jpg' .* not seekable"):
            await Form(data={"one": FileStorage(Pipe(b"x"), filename="a.jpg")}).validate()

    async def test_how_many(self) -> None:
        class Form(QuartForm):
            files = MultipleFileField(validators=[Length(2, 3)])

        for count, valid in ((1, False), (2, True), (3, True), (4, False)):
            assert await Form(data={"files": [picture()] * count}).validate() is valid


async def test_hidden_fields_of_each_kind(app: Quart) -> None:
    class Form(QuartForm):
        key = wtforms.HiddenField()
        count = wtforms.IntegerField(widget=wtforms.widgets.HiddenInput())
        avatar = FileField()

    async with app.test_request_context("/"):
        form = await Form.from_request()
        hidden = form.hidden_tag()
        assert all(f'name="{name}"' in hidden for name in ("csrf_token", "key", "count"))
        assert "avatar" not in hidden
        assert "csrf_token" not in form.hidden_tag("count", "key")


async def test_a_form_without_the_data_of_the_request(app: Quart) -> None:
    async with app.test_request_context("/", method="POST", form={"name": "ignored"}):
        assert NameForm(None).name.data is None


async def test_messages_outside_of_a_request() -> None:
    form = NameForm(MultiDict())
    assert not await form.validate()
    assert form.errors == {"name": ["This field is required."]}
