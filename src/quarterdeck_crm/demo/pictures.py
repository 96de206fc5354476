"""Pictures of the goods of the demonstration company, and a plan, drawn by code."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from quarterdeck_crm.attachments.thumbnails import EDGE

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIDE = 320  # pixels
_LARGE = 2 * SIDE  # drawn in this size, and made smaller for smooth edges
_PAPER = "#f3f5f7"
_INK = "#27323d"
_METAL = "#aab4be"
_BRASS = "#c79a3b"

#: By the word that a variant of a good has; other variants take the usual colour of the shape.
_COLOURS = {
    "brass": _BRASS,
    "red": "#b3372f",
    "navy": "#27426b",
    "white": "#fdfdfb",
    "clear": "#d8c9a3",
    "organic": "#5b8c4a",
    "solar": "#3f7f8c",
    "24 V": "#d9822b",
}


class Picture(NamedTuple):
    """A picture and its small one.

    Attributes:
        png: The picture, as it would be uploaded.
        webp: The small one for lists.
    """

    png: bytes
    webp: bytes


def picture_of(name: str, variant: str) -> Picture:
    """Return the picture of a good; goods that look the same share one."""
    shape, colour = _SHAPES.get(name, ("box", "#b08d62"))
    return _draw(shape, _COLOURS.get(variant, colour))


@lru_cache(maxsize=64)
def _draw(shape: str, colour: str) -> Picture:
    image, pen = _canvas(_LARGE, _LARGE)
    _DRAWN[shape](pen, colour)
    image = image.reduce(2)
    small = image.copy()
    small.thumbnail((EDGE, EDGE))
    return Picture(_saved(image, "PNG"), _saved(small, "WEBP"))


@lru_cache(maxsize=1)
def plan() -> bytes:
    """Return the picture of a plan: a quay with berths."""
    image, pen = _canvas(960, 540)
    pen.rectangle((0, 380, 960, 540), fill="#cfd6dc")
    for number in range(6):
        left = 60 + number * 145
        pen.rectangle((left, 90, left + 16, 380), fill=_METAL)
        pen.ellipse((left + 40, 130, left + 110, 350), fill="#ffffff", outline=_INK, width=4)
        pen.line((left + 75, 170, left + 75, 310), fill=_INK, width=3)
    pen.rectangle((360, 420, 600, 500), fill="#b3372f", outline=_INK, width=4)
    return _saved(image, "PNG")


def _canvas(width: int, height: int) -> tuple[Image, ImageDraw]:
    from PIL import Image, ImageDraw  # other commands never need it

    image = Image.new("RGB", (width, height), _PAPER)
    return image, ImageDraw.Draw(image)


def _saved(image: Image, kind: str) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, quality=80)
    return data.getvalue()


def _coil(pen: ImageDraw, colour: str) -> None:
    for step in range(5):
        edge = 90 + step * 36
        pen.ellipse((edge, edge, _LARGE - edge, _LARGE - edge), outline=colour, width=26)
    pen.line((320, 537, 610, 537), fill=colour, width=26)


def _dial(pen: ImageDraw, colour: str) -> None:
    pen.ellipse((90, 90, 550, 550), fill=colour, outline=_INK, width=10)
    pen.ellipse((140, 140, 500, 500), fill="#ffffff", outline=_INK, width=6)
    for place in ((320, 165, 320, 205), (320, 435, 320, 475), (165, 320, 205, 320)):
        pen.line(place, fill=_INK, width=8)
    pen.line((435, 320, 475, 320), fill=_INK, width=8)
    pen.polygon(((300, 310), (340, 330), (400, 200)), fill="#b3372f")
    pen.polygon(((300, 310), (340, 330), (240, 440)), fill=_INK)


def _ruler(pen: ImageDraw, colour: str) -> None:
    for top in (180, 360):
        pen.rectangle((70, top, 570, top + 100), fill=colour, outline=_INK, width=8)
        for place in range(100, 560, 40):
            pen.line((place, top, place, top + 36), fill=_INK, width=5)
    pen.line((150, 280, 230, 360), fill=_METAL, width=24)
    pen.line((410, 280, 490, 360), fill=_METAL, width=24)


def _lamp(pen: ImageDraw, colour: str) -> None:
    pen.arc((220, 60, 420, 240), 180, 360, fill=_INK, width=14)
    pen.rectangle((210, 150, 430, 200), fill=_INK)
    pen.rectangle((240, 200, 400, 450), fill="#ffe9a8", outline=colour, width=22)
    pen.line((320, 200, 320, 450), fill=colour, width=14)
    pen.rectangle((190, 450, 450, 520), fill=_INK)


def _can(pen: ImageDraw, colour: str) -> None:
    pen.arc((170, 60, 470, 330), 190, 350, fill=_INK, width=12)
    pen.rectangle((150, 190, 490, 520), fill=_METAL, outline=_INK, width=8)
    pen.ellipse((150, 150, 490, 230), fill=_METAL, outline=_INK, width=8)
    pen.rectangle((158, 280, 482, 450), fill=colour)
    pen.ellipse((150, 490, 490, 560), fill=_METAL, outline=_INK, width=8)


def _ring(pen: ImageDraw, colour: str) -> None:
    pen.ellipse((80, 80, 560, 560), fill=colour, outline=_INK, width=8)
    for start in (30, 120, 210, 300):
        pen.pieslice((84, 84, 556, 556), start, start + 30, fill="#ffffff")
    pen.ellipse((200, 200, 440, 440), fill=_PAPER, outline=_INK, width=8)


def _bottle(pen: ImageDraw, colour: str) -> None:
    pen.rectangle((285, 70, 355, 150), fill=_INK)
    pen.line((355, 100, 470, 150), fill=_INK, width=18)
    pen.rounded_rectangle((220, 150, 420, 570), 60, fill=colour, outline=_INK, width=8)
    pen.rectangle((228, 300, 412, 420), fill="#ffffff")


def _box(pen: ImageDraw, colour: str) -> None:
    pen.polygon(((90, 220), (320, 120), (550, 220), (320, 320)), fill=colour, outline=_INK, width=8)
    pen.polygon(((90, 220), (320, 320), (320, 560), (90, 450)), fill=colour, outline=_INK, width=8)
    pen.polygon(
        ((550, 220), (320, 320), (320, 560), (550, 450)), fill=_METAL, outline=_INK, width=8
    )
    pen.polygon(((205, 170), (435, 270), (435, 340), (205, 240)), fill="#ffffff")


def _garment(pen: ImageDraw, colour: str) -> None:
    body = ((220, 110), (420, 110), (580, 230), (510, 330), (450, 290), (450, 550), (190, 550))
    pen.polygon((*body, (190, 290), (130, 330), (60, 230)), fill=colour, outline=_INK, width=8)
    pen.pieslice((255, 50, 385, 180), 0, 180, fill=_PAPER, outline=_INK, width=8)
    pen.line((320, 180, 320, 550), fill=_INK, width=6)


def _shoe(pen: ImageDraw, colour: str) -> None:
    shape = ((110, 200), (260, 200), (330, 320), (520, 360), (560, 450), (110, 450))
    pen.polygon(shape, fill=colour, outline=_INK, width=8)
    pen.rectangle((100, 450, 565, 500), fill="#ffffff", outline=_INK, width=8)
    for place in (290, 330, 370):
        pen.line((place, 280, place + 40, 320), fill="#ffffff", width=12)


_DRAWN: dict[str, Callable[[ImageDraw, str], None]] = {
    "bottle": _bottle,
    "box": _box,
    "can": _can,
    "coil": _coil,
    "dial": _dial,
    "garment": _garment,
    "lamp": _lamp,
    "ring": _ring,
    "ruler": _ruler,
    "shoe": _shoe,
}
_SHAPES = {
    "Mooring line": ("coil", "#27426b"),
    "Braided halyard": ("coil", "#b3372f"),
    "Anchor rope": ("coil", "#8d6b45"),
    "Splicing twine": ("coil", "#d8c9a3"),
    "Hand bearing compass": ("dial", _METAL),
    "Parallel ruler": ("ruler", "#e8ddc0"),
    "Chart divider": ("ruler", _METAL),
    "Sextant": ("dial", "#5d6b78"),
    "Barometer": ("dial", "#8d6b45"),
    "Anchor light": ("lamp", _METAL),
    "Signal lamp": ("lamp", "#b3372f"),
    "Flare pack": ("bottle", "#d9822b"),
    "Deck lantern": ("lamp", _BRASS),
    "Antifouling": ("can", "#b3372f"),
    "Deck paint": ("can", "#27426b"),
    "Clear varnish": ("can", "#d8c9a3"),
    "Teak oil": ("can", "#8d6b45"),
    "Life jacket": ("garment", "#d9822b"),
    "Lifebuoy": ("ring", "#d9822b"),
    "Fire extinguisher": ("bottle", "#b3372f"),
    "First aid chest": ("box", "#4f8f6b"),
    "Oilskin jacket": ("garment", "#d8b93b"),
    "Wool jumper": ("garment", "#27426b"),
    "Deck shoes": ("shoe", "#8d6b45"),
}
