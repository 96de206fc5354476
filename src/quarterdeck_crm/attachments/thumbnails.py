"""Small pictures beside the stored ones, for lists.

They are made at the upload, or when one is first asked for. A picture that cannot be read has
none, and is shown as it is.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ValidationError

from .storage import stored_path, thumbnail_path

EDGE = 96  # pixels: three times that of lists, for fine screens
MAX_PIXELS = 40_000_000  # which take 160 MB while they are read
MEDIA_TYPE = "image/webp"
_FORMATS = ("GIF", "JPEG", "PNG", "WEBP")  # of ``kinds.PICTURES``
# One at a time, so that many pictures of a list neither fill the memory nor take all threads.
_THREAD = ThreadPoolExecutor(1, "thumbnail")


async def require_thumbnail(stored: str) -> None:
    """Make the small picture of an upload, if the picture can be read.

    Raises:
        ValidationError: Under ``file``, if it has more than 40 million pixels: a few bytes can
            say so, and would fill the memory of every browser.
    """
    pixels = await _run(stored)
    if pixels is not None and pixels > MAX_PIXELS:
        problem = _(
            "The picture has %(pixels)s million pixels, and %(most)s million are allowed. Make it "
            "smaller.",
            pixels=f"{pixels / 1e6:,.0f}",
            most=f"{MAX_PIXELS / 1e6:.0f}",
        )
        raise ValidationError({"file": [problem]})


async def find_thumbnail(stored: str) -> Path | None:
    """Return the small picture of a stored one; None if it cannot be read."""
    path = thumbnail_path(stored)
    if not await asyncio.to_thread(path.exists):
        await _run(stored)
    return path if await asyncio.to_thread(path.exists) else None


async def _run(stored: str) -> int | None:
    loop = asyncio.get_running_loop()
    paths = stored_path(stored), thumbnail_path(stored)
    return await loop.run_in_executor(_THREAD, _make, *paths)


def _make(source: Path, target: Path) -> int | None:
    """Write the small picture unless the large one has too many pixels; return their number.

    Returns:
        The pixels of the picture, None if it cannot be read.
    """
    from PIL import Image, ImageOps  # most processes never need it

    try:
        with Image.open(source, formats=_FORMATS) as picture:
            pixels = picture.width * picture.height
            if pixels > MAX_PIXELS:
                return pixels
            picture.draft("RGB", (EDGE * 2, EDGE * 2))  # JPEG is read in a smaller size
            small = ImageOps.exif_transpose(picture)
            small.thumbnail((EDGE, EDGE))
            unfinished = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
            has_alpha = "A" in small.getbands() or "transparency" in small.info
            small.convert("RGBA" if has_alpha else "RGB").save(unfinished, "WEBP", quality=80)
            unfinished.replace(target)
            return pixels
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return MAX_PIXELS + 1  # it has more than twice what Pillow takes
    except (OSError, SyntaxError, ValueError, EOFError):
        return None
