"""Responses of the server itself, to requests that do not reach the app."""

from __future__ import annotations

from http import HTTPStatus

#: Sentences that help more than the standard's phrase.
REASONS = {
    400: "The request is not valid HTTP.",
    408: "The request did not arrive in time.",
    426: "This address speaks WebSocket version 13 only.",
    431: "The request line or the headers are too long.",
    500: "The application failed without an answer.",
    404: "This server serves other host names.",
    403: "The application refused the WebSocket.",
    505: "This server speaks HTTP/1.1.",
}

#: The text is no page, and no other site may show it as its own.
STRICT = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
)

Headers = list[tuple[bytes, bytes]]


def error_response(status: int) -> tuple[Headers, bytes]:
    """Return the headers and the body of an error response that ends the connection."""
    phrase = HTTPStatus(status).phrase
    text = f"{status} {phrase}. {REASONS.get(status, '')}".rstrip() + "\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(text)),
        (b"connection", b"close"),
        *STRICT,
    ]
    return headers, text.encode()
