"""``quarterdeck port``: moves a Flask project to Quart and the kit.

Needs ``quarterdeck[port]``.
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("port", "libcst", "pytest")

from .command import port

__all__ = ["port"]
