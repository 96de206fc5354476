"""The results of API views, and the responses made of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec
from msgspec import Struct
from quart import Response, request

from .bodies import JSON
from .pagination import link_header
from .schemas import Page


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and the values of its headers.

    Attributes:
        body: A representation; bytes are JSON already, None is an empty answer.
        status: Of HTTP.
        etag: Of the row, without quotes; the body itself decides if it is not given.
        location: URL of the created resource.
        replayed: Whether it is the answer to an earlier, equal request.
    """

    body: Struct | bytes | None
    status: int = 200
    etag: str | None = None
    location: str | None = None
    replayed: bool = False

    def encoded(self) -> bytes:
        """Return the body as it is sent."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)


NOTHING = Answer(None, 204)


def respond(answer: Answer) -> Response:
    """Return the response: 304 if the program has this very state already."""
    data = answer.encoded()
    response = Response(data, answer.status, content_type=JSON)
    if data:
        etag = answer.etag or _digest(data)
        response.set_etag(etag)
        if request.method in {"GET", "HEAD"} and request.if_none_match.contains_weak(etag):
            response.status_code = 304
            response.set_data(b"")
    if response.status_code in {204, 304}:
        del response.headers["Content-Type"]
        del response.headers["Content-Length"]
    if answer.location is not None:
        response.headers["Location"] = answer.location
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if isinstance(answer.body, Page):
        response.headers["Link"] = link_header(answer.body.links)
    return response


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
