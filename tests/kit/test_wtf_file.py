"""Uploads in forms."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from quart import Quart
from quart.datastructures import FileStorage
from wtforms import StringField

from quarterdeck.app import Quart as OurQuart
from quarterdeck.wtf import (
    FileAllowed,
    FileField,
    FileRequired,
    FileSize,
    MultipleFileField,
    QuartForm,
    file_size,
)

pytestmark = pytest.mark.feature("W1")


class Upload(QuartForm):
    title = StringField()
    photo = FileField(validators=[FileRequired(), FileAllowed(["jpg", ".PNG"]), FileSize(1000, 2)])


class Album(QuartForm):
    photos = MultipleFileField(validators=[FileAllowed({"jpg"}), FileSize(1000)])


async def send(
    form_class: type[QuartForm],
    files: Any,
    form: Any = None,
    *,
    app_class: type[Quart] = Quart,
    **kwargs: Any,
) -> Any:
    app = app_class("wtf_file")
    app.config["WTF_CSRF_ENABLED"] = False
    seen: list[QuartForm] = []

    @app.post("/")
    async def view() -> str:
        seen.append(await form_class.from_request(**kwargs))
        return str(await seen[0].validate_on_submit())

    if isinstance(files, bytes):
        kind = "multipart/form-data; boundary=b"
        response = await app.test_client().post("/", data=files, headers={"Content-Type": kind})
    else:
        response = await app.test_client().post("/", form=form or {}, files=files)
    assert await response.get_data(as_text=True) == str(not seen[0].errors)
    return seen[0]


def a_file(name: str = "a.jpg", size: int = 10) -> FileStorage:
    return FileStorage(BytesIO(b"x" * size), name)


async def test_file_and_fields_arrive_together() -> None:
    class Read(Upload):
        async def validate_photo(self, field: Any) -> None:
            assert field.data.read() == b"x" * 10

    form = await send(Read, {"photo": a_file("A.JPG")}, {"title": "Sea"})
    assert form.errors == {}
    assert (form.title.data, form.photo.data.filename) == ("Sea", "A.JPG")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (a_file("a.gif"), "one of these types: jpg, png"),
        (a_file("jpg"), "one of these types"),
        (a_file(size=1001), "between 2 and 1000 bytes"),
        (a_file(size=1), "between 2 and 1000 bytes"),
    ],
)
async def test_file_that_is_refused(file: FileStorage, message: str) -> None:
    form = await send(Upload, {"photo": file})
    assert message in form.errors["photo"][0]


async def test_missing_file() -> None:
    form = await send(Upload, {}, {"title": "Sea"})
    assert form.errors == {"photo": ["This field is required."]}


async def test_empty_file_input_of_a_browser_is_a_missing_file() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n\r\n\r\n--b--\r\n'
    form = await send(Upload, part)
    assert form.errors == {"photo": ["This field is required."]}


async def test_text_in_place_of_a_file_is_a_missing_file() -> None:
    form = await send(Upload, {}, {"photo": "a.jpg"})
    assert form.errors == {"photo": ["This field is required."]}


async def test_several_files() -> None:
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="photos"; filename="%d.jpg"\r\n\r\nabc\r\n'
        % n
        for n in range(3)
    )
    form = await send(Album, body + b"--b--\r\n")
    assert [file.filename for file in form.photos.data] == ["0.jpg", "1.jpg", "2.jpg"]
    assert form.errors == {}


async def test_one_bad_file_of_several_is_enough() -> None:
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="photos"; filename="%b"\r\n\r\nabc\r\n' % name
        for name in (b"a.jpg", b"b.exe")
    )
    assert (await send(Album, body + b"--b--\r\n")).errors


async def test_no_upload_keeps_what_the_object_had() -> None:
    class Optional(QuartForm):
        photo = FileField(validators=[FileAllowed(["jpg"]), FileSize(1)])
        more = MultipleFileField()

    form = await send(Optional, {}, {"x": "y"}, data={"photo": "stored/a.jpg", "more": ["b.jpg"]})
    assert form.photo.data == "stored/a.jpg"
    assert form.photo.upload is None
    assert form.more.uploads == []

    files = {"photo": a_file(name="new.jpg", size=1), "more": a_file(name="c.jpg")}
    form = await send(Optional, files, data={"photo": "stored/a.jpg", "more": ["b.jpg"]})
    assert form.photo.upload is form.photo.data
    assert form.photo.upload.filename == "new.jpg"
    assert [file.filename for file in form.more.uploads] == ["c.jpg"]


async def test_large_file_is_measured_without_reading_it() -> None:
    class Measured(Album):
        async def validate_photos(self, field: Any) -> None:
            assert file_size(field.data[0]) == 2_000_000

    # Not with stock Quart, which writes a large file to disk on the event loop.
    files = {"photos": a_file(size=2_000_000)}
    assert (await send(Measured, files, app_class=OurQuart)).errors


async def test_size_leaves_the_position() -> None:
    file = a_file(size=10)
    file.stream.read(4)
    assert file_size(file) == 10
    assert file.stream.read() == b"x" * 6


async def test_input_tells_the_browser_what_to_offer() -> None:
    html = str(Upload().photo)
    assert 'accept=".jpg,.png"' in html
    assert "required" in html
