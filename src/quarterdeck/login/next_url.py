"""Where to go after signing in, without being led off the site."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from quart import redirect, request, session
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response

from .keys import NEXT

_MAX_LENGTH = 2000
_MAX_DECODINGS = 3


def safe_next(url: str | None, default: str = "/") -> str:
    """Return ``url`` if it is a path on this site, else ``default``.

    Only a plain absolute path with an optional query passes: no scheme or host, no second
    slash, no backslash, nothing invisible, and nothing of that after decoding either.
    """
    if not url or len(url) > _MAX_LENGTH or " " in url or not _is_plain(url):
        return default
    path = url.partition("?")[0].partition("#")[0]
    for _ in range(_MAX_DECODINGS):
        if not path.startswith("/") or "//" in path or not _is_plain(path):
            return default
        decoded = unquote(path)
        if decoded == path:
            return url
        path = decoded
    return default


def redirect_next(default: str = "/", code: int = 302) -> Response:
    """Redirect to the safe ``next`` of the query string or the session, or to ``default``.

    The status is that of ``redirect``; 303 says that the next request is a GET in any case.
    """
    url = request.args.get("next")
    if url is None and NEXT in session:
        url = session.pop(NEXT)
    return redirect(iri_to_uri(safe_next(url, default)), code)


def return_path() -> str | None:
    """The page to come back to after signing in: this one, or the one with the form."""
    if request.method in {"GET", "HEAD"}:
        here = urlsplit(request.url)
    else:
        here = urlsplit(request.referrer or "")
        if here.netloc != request.host:
            return None
    path = here.path + (f"?{here.query}" if here.query else "")
    return safe_next(path, "") or None


def _is_plain(text: str) -> bool:
    return "\\" not in text and text.isprintable()
