"""One request, and the response of the server itself if the app gives none."""

from __future__ import annotations

from time import time
from typing import Any

from hypercorn.protocol.events import Body, EndBody, Response, StreamClosed
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream

from .error_responses import error_response


class HttpStream(HTTPStream):
    """Hypercorn's, with a sentence and safe headers in error responses of the server."""

    async def _send_error_response(self, status_code: int) -> None:
        headers, text = error_response(status_code)
        if self.scope["http_version"] == "2":  # it has no such header
            headers = [(name, value) for name, value in headers if name != b"connection"]
        response = Response(stream_id=self.stream_id, headers=headers, status_code=status_code)
        await self.send(response)
        if self.scope["method"] != "HEAD":
            await self.send(Body(stream_id=self.stream_id, data=text))
        await self.send(EndBody(stream_id=self.stream_id))
        self.state = ASGIHTTPState.CLOSED
        answer: Any = {"status": status_code, "headers": headers}
        await self.config.log.access(self.scope, answer, time() - self.start_time)
        if self.app_put is None:  # a host name of others: no app is there to end the stream
            await self.send(StreamClosed(stream_id=self.stream_id))
