"""Files of accounts and orders, and pictures of goods: what is taken, kept and sent."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, Response
from werkzeug.datastructures import FileStorage

from quarterdeck_crm.attachments.kinds import ATTACHABLE
from quarterdeck_crm.attachments.storage import keep
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.models import User

from .conftest import Auth, MakePerson
from .trading import Trade

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def png() -> bytes:
    """Return a picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
        + chunk(b"IEND", b"")
    )


def zipped(name: str) -> bytes:
    """Return an archive of one member, as office documents are."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, "<x/>")
    return data.getvalue()


async def upload(auth: Auth, path: str, name: str, contents: bytes) -> Response:
    token = await auth.token()
    file = FileStorage(io.BytesIO(contents), filename=name, content_type="text/html")
    return await auth.client.post(path, form={"csrf_token": token}, files={"file": file})


def files_in(app: Quart) -> list[Path]:
    return [path for path in Path(app.instance_path, "attachments").rglob("*") if path.is_file()]


@pytest.mark.feature("Q2", "AP3")
async def test_a_file_is_attached_taken_away_and_removed(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    account = await trade.account()

    added = await upload(auth, f"/accounts/{account.id}/files", "Angebot Größe.pdf", PDF)

    assert added.status_code == 303
    assert added.location == f"/accounts/{account.id}#files"
    page = await (await auth.get(f"/accounts/{account.id}")).get_data(as_text=True)
    assert "Angebot Größe.pdf" in page
    assert "File added: Angebot Größe.pdf" in page

    taken = await auth.get("/files/1")
    assert await taken.get_data() == PDF
    assert taken.mimetype == "application/pdf", "from our table, not from the sender"
    disposition = taken.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert "filename*=UTF-8''Angebot%20Gr%C3%B6%C3%9Fe.pdf" in disposition
    assert taken.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in taken.headers["Content-Security-Policy"]
    assert "public" not in taken.headers["Cache-Control"]
    (stored,) = files_in(app)
    assert "Angebot" not in stored.name

    assert (await auth.post("/files/1/remove")).status_code == 303
    assert (await auth.get("/files/1")).status_code == 404
    assert files_in(app) == []
    assert await trade.history(account) == ["file removed", "file added", "created"]


async def test_orders_have_files_too(auth: Auth, trade: Trade) -> None:
    order = await trade.order()

    added = await upload(auth, f"/orders/{order.id}/files", "lines.csv", "a;ü\n".encode("cp1252"))

    assert added.status_code == 303
    page = await (await auth.get(f"/orders/{order.id}")).get_data(as_text=True)
    assert "lines.csv" in page
    assert (await auth.post("/files/1/remove")).location == f"/orders/{order.id}#files"


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("a.pdf", PDF),
        ("a.PNG", png()),
        ("a.docx", zipped("word/document.xml")),
        ("a.xlsx", zipped("xl/workbook.xml")),
        ("a.odt", zipped("content.xml")),
        ("a.zip", zipped("a.txt")),
        ("a.txt", "Grüße, 你好\n".encode()),
        ("a.csv", b"a,b\r\n1,2\r\n"),
    ],
)
async def test_taken(auth: Auth, trade: Trade, name: str, contents: bytes) -> None:
    account = await trade.account()

    added = await upload(auth, f"/accounts/{account.id}/files", name, contents)

    assert added.status_code == 303
    assert await (await auth.get("/files/1")).get_data() == contents


@pytest.mark.hazard("a file is not what its name says")
@pytest.mark.parametrize(
    ("name", "contents", "problem"),
    [
        ("page.html", HTML, "Choose a file of one of these types"),
        ("drawing.svg", SVG, "Choose a file of one of these types"),
        ("noextension", PDF, "Choose a file of one of these types"),
        (".pdf", PDF, "Choose a file of one of these types"),
        ("page.pdf", HTML, "not what its name says"),
        ("page.png", HTML, "not what its name says"),
        ("program.png", b"MZ\x90\0\x03\0\0\0", "not what its name says"),
        ("program.txt", b"\x7fELF\x02\x01\x01\0\0", "not what its name says"),
        ("table.xlsx", b"a,b\n", "not what its name says"),
        ("empty.pdf", b"", "not what its name says"),
        ("empty.txt", b"", "The file is empty."),
        ("", b"", "Choose a file."),
    ],
)
async def test_refused(
    app: Quart, auth: Auth, trade: Trade, name: str, contents: bytes, problem: str
) -> None:
    account = await trade.account(name="Acme")

    refused = await upload(auth, f"/accounts/{account.id}/files", name, contents)

    assert refused.status_code == 422
    page = await refused.get_data(as_text=True)
    assert problem in page
    assert "Acme" in page
    assert files_in(app) == []
    assert await trade.history(account) == ["created"]


class TestLimit:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"ATTACHMENT_MAX_BYTES": 200_000}

    async def test_a_larger_file_is_refused(self, app: Quart, auth: Auth, trade: Trade) -> None:
        account = await trade.account()
        there = f"/accounts/{account.id}/files"

        assert (await upload(auth, there, "a.txt", b"x" * 200_000)).status_code == 303
        refused = await upload(auth, there, "b.txt", b"x" * 200_001)

        assert refused.status_code == 422
        assert "larger than 195 KB" in await refused.get_data(as_text=True)
        assert len(files_in(app)) == 1


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\offer.txt", "offer.txt"),
        ("a\r\nX-Evil: 1.txt", "aX-Evil: 1.txt"),
        ("\u202etxt.exe.txt", "txt.exe.txt"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
async def test_only_the_bare_name_is_kept(app: Quart, sent: str, kept: str) -> None:
    upload = FileStorage(io.BytesIO(b"text"), filename=sent)

    async with app.app_context(), keep(upload, kinds=ATTACHABLE, limit=100) as file:
        assert file.name == kept
        assert file.stored.endswith(".txt")


@pytest.mark.hazard("files without rows")
async def test_a_file_whose_row_fails_is_removed(app: Quart) -> None:
    upload = FileStorage(io.BytesIO(b"text"), filename="a.txt")

    async with app.app_context():
        with pytest.raises(ValidationError):
            async with keep(upload, kinds=ATTACHABLE, limit=100):
                raise ValidationError({"file": ["no"]})

    assert files_in(app) == []


async def test_only_those_who_may_edit_attach_and_remove(
    app: Quart, auth: Auth, as_moderator: Auth, trade: Trade, make_person: MakePerson
) -> None:
    account = await trade.account(actor=await make_person(email="other@example.com"))
    there = f"/accounts/{account.id}/files"

    assert (await upload(auth, there, "a.pdf", PDF)).status_code == 403
    assert (await upload(as_moderator, there, "a.pdf", PDF)).status_code == 303
    assert (await auth.get("/files/1")).status_code == 200
    assert (await auth.post("/files/1/remove")).status_code == 403
    assert len(files_in(app)) == 1


async def test_a_file_that_is_gone_from_the_disk_is_not_found(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    account = await trade.account()
    await upload(auth, f"/accounts/{account.id}/files", "a.pdf", PDF)
    files_in(app)[0].unlink()

    assert (await auth.get("/files/1")).status_code == 404


@pytest.mark.feature("AP3")
async def test_an_article_has_a_picture(app: Quart, as_moderator: Auth, trade: Trade) -> None:
    good = await trade.good(name="Chai")
    there = f"/goods/{good.id}/picture"

    assert (await upload(as_moderator, there, "chai.png", png())).status_code == 303
    page = await (await as_moderator.get(f"/goods/{good.id}")).get_data(as_text=True)
    address = page.partition('class="good-picture" src="')[2].partition('"')[0]
    shown = await as_moderator.get(address)
    assert shown.mimetype == "image/png"
    assert await shown.get_data() == png()
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert "Content-Disposition" not in shown.headers

    await upload(as_moderator, there, "chai2.png", png())
    assert len(files_in(app)) == 1, "the picture before is gone"
    assert (await as_moderator.get(address)).status_code == 404

    await as_moderator.post(f"{there}/remove")
    assert files_in(app) == []
    assert await trade.history(good) == [
        "picture removed",
        "picture changed",
        "picture changed",
        "created",
    ]


@pytest.mark.parametrize(("name", "contents"), [("a.svg", SVG), ("a.pdf", PDF), ("a.png", HTML)])
async def test_a_picture_is_a_picture(
    app: Quart, as_moderator: Auth, trade: Trade, name: str, contents: bytes
) -> None:
    good = await trade.good(name="Chai")

    refused = await upload(as_moderator, f"/goods/{good.id}/picture", name, contents)

    assert refused.status_code == 422
    assert "Chai" in await refused.get_data(as_text=True)
    assert files_in(app) == []


async def test_only_moderators_change_pictures(auth: Auth, user: User, trade: Trade) -> None:
    good = await trade.good()

    assert (await upload(auth, f"/goods/{good.id}/picture", "a.png", png())).status_code == 403
    assert (await auth.post(f"/goods/{good.id}/picture/remove")).status_code == 403
