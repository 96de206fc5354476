"""Bootstrap 5: Bootstrap-Flask's macros and assets, served from its installed package.

Needs ``quarterdeck[bootstrap]``.
"""

from __future__ import annotations

from .extension import Bootstrap

__all__ = ["Bootstrap"]
