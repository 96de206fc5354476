"""The answer to an error that no handler took, while an app is developed or tested."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from quart.wrappers import Response
from werkzeug.exceptions import InternalServerError

from quarterdeck._networks import parse_address

if TYPE_CHECKING:
    from .application import Quart

PAGE = Markup("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>body {{ font-family: sans-serif; margin: 2rem }} pre {{ overflow-x: auto }}</style>
<h1>{title}</h1>
<pre>{trace}</pre>
<p>Only programs on this machine get this page, and only with <code>DEBUG</code> or
<code>TESTING</code>.</p>
</html>
""")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def error_response(app: Quart, scope: Any, error: Exception) -> Response:
    """Return the answer to an error that the app has let through.

    With ``DEBUG`` or ``TESTING`` a client on this machine gets the traceback, and any other a
    plain 500. The page of Quart shows the values of all variables, keys and passwords among them,
    and runs the scripts in them.

    Raises:
        Exception: The error itself, without ``DEBUG`` and ``TESTING``.
    """
    if not (app.debug or app.testing):
        raise error
    if not _is_local(scope):
        return Response(InternalServerError().get_body(), 500)
    title = "".join(traceback.format_exception_only(error)).strip().partition("\n")[0]
    trace = "".join(traceback.format_exception(error))
    return Response(PAGE.format(title=title, trace=trace), 500, HEADERS)


def _is_local(scope: Any) -> bool:
    client = scope.get("client")
    try:
        return client is not None and parse_address(client[0]).is_loopback
    except ValueError:
        return False
