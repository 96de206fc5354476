"""Requests of a browser that is about to show the answer as a page."""

from __future__ import annotations

from quart import request


def is_navigation() -> bool:
    """Whether a browser is about to show the answer as a page.

    It then names ``text/html``; a script sends ``*/*`` or a type, and browsers also send
    in ``Sec-Fetch-Mode`` that it is a script.
    """
    if _says_script():
        return False
    return any(kind.lower() == "text/html" and q > 0 for kind, q in request.accept_mimetypes)


def is_script() -> bool:
    """Whether the client says that it is a script of a page, or takes no HTML.

    Clients that say nothing, or ``*/*``, are none.
    """
    return _says_script() or not _takes_html()


def _says_script() -> bool:
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return True
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def _takes_html() -> bool:
    return "Accept" not in request.headers or request.accept_mimetypes["text/html"] > 0
