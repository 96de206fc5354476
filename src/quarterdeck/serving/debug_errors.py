"""The log of unhandled errors of a stock Quart app with DEBUG.

Such an app answers with the traceback and logs nothing. A WebSocket cannot show the answer.
"""

from __future__ import annotations

from typing import Any

from quart import Quart
from quart.asgi import ASGIHTTPConnection
from quart.signals import got_request_exception, got_websocket_exception


def install() -> None:
    """Log these errors from now on; a second call changes nothing."""
    got_request_exception.connect(_log)
    got_websocket_exception.connect(_log)


async def _log(app: Quart, exception: BaseException, **_: Any) -> None:
    is_stock = app.asgi_http_class is ASGIHTTPConnection  # other classes log by themselves
    if app.debug and is_stock and app.config["PROPAGATE_EXCEPTIONS"] is not False:
        app.logger.error("Exception in a request or WebSocket", exc_info=exception)
