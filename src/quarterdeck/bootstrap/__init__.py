"""Bootstrap 5: Bootstrap-Flask's macros and assets, served from its installed package.

Needs ``quarterdeck[bootstrap]``.
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("bootstrap", "wtforms")

from .extension import Bootstrap, Bootstrap5
from .fields import SwitchField

__all__ = ["Bootstrap", "Bootstrap5", "SwitchField"]
