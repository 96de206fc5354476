"""Stands in for Flask-Moment."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from quarterdeck.moment import Moment as KitMoment
from quarterdeck.moment import Timestamp

__all__ = ["Moment", "Timestamp"]


class Moment(KitMoment):
    """Times in the reader's zone and language."""

    def include_jquery(self, *_args: Any, **_options: Any) -> Markup:
        """Nothing: the script needs no jQuery."""
        return Markup("")
