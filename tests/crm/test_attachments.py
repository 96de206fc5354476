"""Files of accounts, deals and orders, and pictures of goods: what is taken, kept and sent."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from quart import Quart, Response
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from quarterdeck_crm.attachments.containers import MAX_ENTRIES, MAX_PART
from quarterdeck_crm.attachments.kinds import ATTACHABLE, DOCUMENTS, MAIN_TYPES, contents_fit
from quarterdeck_crm.attachments.storage import keep
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import AuditEvent, User

from .conftest import Auth, MakeUser
from .trading import Trade

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def png(*, side: int = 1) -> bytes:
    """Return a picture of one pixel, which may claim to have more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
        + chunk(b"IEND", b"")
    )


def zipped(*names: str, **parts: bytes) -> bytes:
    """Return an archive of members without contents, and of those given by name."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "<x/>")
        for name, contents in parts.items():
            archive.writestr(name, contents)
    return data.getvalue()


def office(extension: str, part: str, *others: str, extra: bytes = b"") -> bytes:
    """Return an Office document that declares one main part, and has the parts named."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{part}" ContentType="{MAIN_TYPES[extension]}"/></Types>'
    )
    return zipped(*others, **{"[Content_Types].xml": types.encode() + extra})


def open_document(extension: str, *names: str) -> bytes:
    return zipped(*names, mimetype=DOCUMENTS[extension].encode())


DOCX = office(".docx", "word/document.xml", "word/document.xml")


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
    assert 'class="of-files"' in page, "it is in the timeline"

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


async def test_deals_have_files_too(app: Quart, auth: Auth, user: User, trade: Trade) -> None:
    deal = await trade.deal(actor=user)
    there = f"/deals/{deal.id}"

    added = await upload(auth, f"{there}/files", "offer.pdf", PDF)

    assert (added.status_code, added.location) == (303, f"{there}#files")
    page = await (await auth.get(there)).get_data(as_text=True)
    assert "offer.pdf" in page[page.index('id="files"') : page.index('id="timeline"')]
    assert "offer.pdf" in page[page.index('class="of-files"') :]
    shown = await (await auth.get(f"{there}?show=files")).get_data(as_text=True)
    assert 'class="of-files"' in shown
    assert 'class="of-changes"' not in shown
    assert await (await auth.get("/files/1")).get_data() == PDF
    refused = await upload(auth, f"{there}/files", "page.pdf", HTML)
    assert refused.status_code == 422
    assert "do not fit its name" in await refused.get_data(as_text=True)

    kept = await auth.post(f"{there}/delete")
    assert kept.status_code == 409
    assert "has files. Remove them first." in await kept.get_data(as_text=True)
    assert (await auth.post("/files/1/remove")).location == f"{there}#files"
    assert files_in(app) == []
    assert await trade.history(deal) == ["file removed", "file added", "created"]
    async with app.app_context():
        audited = (await db.session.scalars(select(AuditEvent.subject))).all()
    assert "file offer.pdf" in audited
    assert (await auth.post(f"{there}/delete")).status_code == 303


async def test_only_those_who_may_edit_a_deal_change_its_files(
    auth: Auth, as_moderator: Auth, trade: Trade, make_user: MakeUser
) -> None:
    deal = await trade.deal(actor=await make_user(email="other@example.com"))
    there = f"/deals/{deal.id}/files"

    assert (await upload(auth, there, "a.pdf", PDF)).status_code == 403
    assert (await upload(as_moderator, there, "a.pdf", PDF)).status_code == 303
    page = await (await auth.get(f"/deals/{deal.id}")).get_data(as_text=True)
    assert "a.pdf" in page
    assert there not in page
    assert (await auth.post("/files/1/remove")).status_code == 403


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("a.pdf", PDF),
        ("a.PNG", png()),
        ("a.docx", DOCX),
        ("b.docx", office(".docx", "word/document2.xml", "word/document2.xml")),
        ("a.pptx", office(".pptx", "ppt/presentation.xml", "ppt/presentation.xml")),
        ("a.xlsx", office(".xlsx", "xl/workbook.xml", "xl/workbook.xml")),
        ("a.odt", open_document(".odt", "content.xml")),
        ("a.ods", open_document(".ods", "content.xml")),
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
        ("page.pdf", HTML, "do not fit its name"),
        ("page.png", HTML, "do not fit its name"),
        ("program.png", b"MZ\x90\0\x03\0\0\0", "do not fit its name"),
        ("program.txt", b"\x7fELF\x02\x01\x01\0\0", "do not fit its name"),
        ("table.xlsx", b"a,b\n", "do not fit its name"),
        ("stub.docx", b"PK\x03\x04" + b"\0" * 100, "do not fit its name"),
        ("stub.xlsx", b"PK\x03\x04", "do not fit its name"),
        ("stub.odt", b"PK\x03\x04", "do not fit its name"),
        ("stub.zip", b"PK\x03\x04" + b"\0" * 100, "do not fit its name"),
        ("end.zip", b"PK\x05\x06" + b"\1" * 18, "do not fit its name"),
        ("cut.docx", DOCX[:-30], "do not fit its name"),
        (
            "table.docx",
            office(".xlsx", "xl/workbook.xml", "xl/workbook.xml"),
            "do not fit its name",
        ),
        ("other.docx", zipped("word/document.xml"), "do not fit its name"),
        ("headless.docx", office(".docx", "word/document.xml"), "do not fit its name"),
        ("text.ods", open_document(".odt", "content.xml"), "do not fit its name"),
        ("bare.odt", open_document(".odt"), "do not fit its name"),
        ("empty.pdf", b"", "do not fit its name"),
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


def test_an_archive_of_too_many_members_does_not_fit() -> None:
    """Or looking for the right one would take long."""
    members = [str(number) for number in range(MAX_ENTRIES)]
    one_too_many = office(".docx", "word/document.xml", "word/document.xml", *members)

    assert not contents_fit(io.BytesIO(one_too_many), ".docx")


@pytest.mark.hazard("a small archive inflates to gigabytes")
def test_of_a_zip_bomb_little_is_inflated() -> None:
    bomb = io.BytesIO(office(".docx", "word/document.xml", "word/document.xml", extra=b" " * 10**8))

    tracemalloc.start()
    try:
        assert contents_fit(bomb, ".docx")
        assert tracemalloc.get_traced_memory()[1] < 12 * MAX_PART
    finally:
        tracemalloc.stop()


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
    app: Quart, auth: Auth, as_moderator: Auth, trade: Trade, make_user: MakeUser
) -> None:
    account = await trade.account(actor=await make_user(email="other@example.com"))
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
async def test_a_good_has_a_picture(app: Quart, as_moderator: Auth, trade: Trade) -> None:
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
    assert len(files_in(app)) == 2, "the picture before is gone, with its small one"
    assert (await as_moderator.get(address)).status_code == 404

    await as_moderator.post(f"{there}/remove")
    assert files_in(app) == []
    assert await trade.history(good) == [
        "picture removed",
        "picture changed",
        "picture changed",
        "created",
    ]


async def test_lists_have_small_pictures(app: Quart, as_moderator: Auth, trade: Trade) -> None:
    good = await trade.good(name="Chai")
    large = io.BytesIO()
    Image.effect_noise((900, 600), 80).save(large, "PNG")
    await upload(as_moderator, f"/goods/{good.id}/picture", "a.png", large.getvalue())

    page = await (await as_moderator.get("/goods/")).get_data(as_text=True)
    address = page.partition('class="thumb" src="')[2].partition('"')[0]
    (item,) = await (await as_moderator.get("/goods/suggest?q=Chai")).get_json()
    assert item["picture"] == address
    (small,) = [path for path in files_in(app) if ".thumb." in path.name]
    for is_there in (True, False):  # a picture of an earlier version gets its small one now
        if not is_there:
            small.unlink()
        shown = await as_moderator.get(address)
        data = await shown.get_data(as_text=False)
        assert (shown.mimetype, len(data) < 10_000) == ("image/webp", True)
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (96, 64)
    assert "max-age=31536000" in shown.headers["Cache-Control"]
    assert (await as_moderator.get(address.replace("/picture/", "/picture/0"))).status_code == 404

    await as_moderator.post(f"/goods/{good.id}/picture/remove")
    assert files_in(app) == []


async def test_a_bomb_is_refused_and_an_unreadable_picture_stays_as_it_is(
    app: Quart, as_moderator: Auth, trade: Trade
) -> None:
    good = await trade.good()
    there = f"/goods/{good.id}/picture"

    bomb = await upload(as_moderator, there, "a.png", png(side=65_000))
    assert bomb.status_code == 422
    assert "million pixels, and 40 million are allowed" in await bomb.get_data(as_text=True)
    assert (await upload(as_moderator, there, "a.png", png(side=7_000))).status_code == 422
    assert files_in(app) == []

    broken = png()[:40]
    assert (await upload(as_moderator, there, "a.png", broken)).status_code == 303
    page = await (await as_moderator.get("/goods/")).get_data(as_text=True)
    shown = await as_moderator.get(page.partition('class="thumb" src="')[2].partition('"')[0])
    assert (shown.mimetype, await shown.get_data()) == ("image/png", broken)


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
