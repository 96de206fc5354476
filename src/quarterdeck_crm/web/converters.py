"""Numbers in addresses: at most 18 digits, which every database can compare with an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.routing import IntegerConverter

if TYPE_CHECKING:
    from quart import Quart


class NumberConverter(IntegerConverter):
    """``<int:...>``, with 404 for a number that no column holds.

    Limited by the pattern and not by ``max``, which werkzeug looks at only after the method: it
    would answer 405 for a page that has another view for each method.
    """

    regex = r"[0-9]{1,18}"


def register_converters(app: Quart) -> None:
    """Take the place of ``int`` in the rules that are added from now on."""
    app.url_map.converters["int"] = NumberConverter
