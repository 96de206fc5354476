"""Files of the demonstration company: agreements, offers, papers of orders, and pictures."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from quarterdeck_crm.attachments.kinds import ATTACHABLE, extension_of
from quarterdeck_crm.attachments.storage import stored_path, thumbnail_path

from .pictures import picture_of, plan

Rows = list[dict[str, Any]]
# Names by kind of record.
FILES = {
    "account": (
        "Framework agreement {year}.pdf",
        "Price list {year}.csv",
        "Berth plan.png",
        "Visit report.pdf",
    ),
    "deal": ("Offer {code}.pdf", "List of requirements.csv", "Deck plan.png"),
    "order": (
        "Purchase order {code}.pdf",
        "Order confirmation {code}.pdf",
        "Packing list {code}.csv",
    ),
}
SHARE = {"account": 0.08, "deal": 0.4, "order": 0.5}  # that has files
MOST_OF_RECORD = 2
WITHOUT_PICTURE = {"Ship's biscuit", "Dried lentils"}


class Record(NamedTuple):
    """A record that may have files.

    Attributes:
        id: Its id.
        code: As people name it: the code of an account, the number of an order.
        owner_id: The user that attached the files.
        since: When it was added; files came later.
        text: A line for its documents.
    """

    id: int
    code: str
    owner_id: int | None
    since: datetime
    text: str


class Stored(NamedTuple):
    """A file for the disk, under our name."""

    name: str
    data: bytes
    small: bytes | None = None


def give_pictures(goods: Rows, *, seed: int) -> list[Stored]:
    """Name a picture in most goods, and return the pictures."""
    dice = random.Random(seed)
    found = []
    for good in goods:
        name, _, variant = good["name"].partition(", ")
        stored = _stored_name(dice, ".png")
        good["picture"] = None if name in WITHOUT_PICTURE else stored
        if good["picture"]:
            found.append(Stored(stored, *picture_of(name, variant)))
    return found


def make_files(
    records: Mapping[str, Sequence[Record]], goods: Rows, *, seed: int, today: datetime
) -> tuple[Rows, list[Stored]]:
    """Return the rows of attachments, the oldest first, and their contents.

    Args:
        records: By kind, the records that may have files.
        goods: For price lists.
        seed: Of dice of their own, so that those of everything else fall as before.
        today: No file is newer.
    """
    dice = random.Random(seed)
    rows: Rows = []
    contents = []
    for kind, names in FILES.items():
        for record in records[kind]:
            if dice.random() >= SHARE[kind]:
                continue
            for name in dice.sample(names, dice.randint(1, MOST_OF_RECORD)):
                at = record.since + timedelta(days=10) * dice.random()
                at = min(at, today)
                title = name.format(code=record.code, year=at.year)
                extension = extension_of(title)
                data = _contents(title, record, dice.sample(goods, 5), at)
                stored = Stored(_stored_name(dice, extension), data)
                contents.append(stored)
                rows.append(
                    dict.fromkeys(("account_id", "deal_id", "order_id"))
                    | {
                        f"{kind}_id": record.id,
                        "author_id": record.owner_id,
                        "name": title,
                        "media_type": ATTACHABLE[extension],
                        "size": len(data),
                        "stored": stored.name,
                        "created_at": at,
                    }
                )
    rows.sort(key=lambda row: row["created_at"])  # as timelines are
    return rows, contents


def write_files(files: Iterable[Stored]) -> None:
    """Write contents to their places; blocks. A file of an earlier run is replaced."""
    for file in files:
        path = stored_path(file.name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(file.data)
        if file.small is not None:
            Path(thumbnail_path(file.name)).write_bytes(file.small)


def _stored_name(dice: random.Random, extension: str) -> str:
    return f"{dice.getrandbits(128):032x}{extension}"


def _contents(title: str, record: Record, goods: Rows, at: datetime) -> bytes:
    match extension_of(title):
        case ".png":
            return plan()
        case ".csv":
            return _table(goods)
        case _:
            heading = title.removesuffix(".pdf")
            lines = [heading, f"{at:%d %B %Y}", "", record.text, ""]
            return pdf([*lines, *(f"{good['code']}   {good['name']}" for good in goods)])


def _table(goods: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("code", "name", "price", "currency"))
    writer.writerows(
        (good["code"], good["name"], good["price"].quantize(Decimal("0.01")), good["currency"])
        for good in goods
    )
    return text.getvalue().encode()


def pdf(lines: Sequence[str]) -> bytes:
    """Return a document of one page with some lines; letters outside Latin-1 become ``?``."""
    shown = [line.translate({ord(sign): f"\\{sign}" for sign in "\\()"}) for line in lines]
    text = "BT /F1 12 Tf 18 TL 72 760 Td\n" + "\n".join(f"({line}) Tj T*" for line in shown)
    stream = f"{text}\nET".encode("latin-1", "replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    document = bytearray(b"%PDF-1.4\n")
    places = []
    for number, part in enumerate(parts, 1):
        places.append(len(document))
        document += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    document += b"".join(b"%010d 00000 n \n" % place for place in places)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(parts) + 1)
    return bytes(document + b"startxref\n%d\n%%%%EOF\n" % table)
