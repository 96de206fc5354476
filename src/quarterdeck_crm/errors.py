"""What can go wrong in the business, and how every error becomes an answer.

Services raise the errors of this module; ``STATUS`` is the one table that gives each its
HTTP status. People get a page in the site's layout, programs a problem document (RFC 9457).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import (
    Response,
    current_app,
    has_websocket_context,
    json,
    render_template,
    request,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from quart import Quart


Errors = dict[str, list[str]]


class DomainError(Exception):
    """Base of all errors that a service raises; the text is for the person who asked."""


class NotFoundError(DomainError):
    """The thing asked for does not exist, or not for this person."""


class ForbiddenError(DomainError):
    """This person may not do that."""


class ConflictError(DomainError):
    """Somebody else changed the thing in between, or its state does not allow this."""


class StaleError(ConflictError):
    """Somebody else changed the thing after this person had read it."""


class ValidationError(DomainError):
    """What was entered cannot be accepted; ``errors`` lists the reasons by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(" ".join(text for texts in errors.values() for text in texts))
        self.errors = errors


class OutOfStockError(ConflictError):
    """There is less in stock than was ordered."""


class MoveNotAllowedError(ConflictError):
    """An order cannot go from its state to the one asked for."""


STATUS: dict[type[DomainError], int] = {
    NotFoundError: 404,
    ForbiddenError: 403,
    ConflictError: 409,
    ValidationError: 422,
}

# What happened and what to do, where the HTTP phrase alone would not help a person.
ADVICE: dict[int, tuple[str, str]] = {
    400: ("That request did not make sense", "Go back, reload the page and try again."),
    401: ("Please sign in", "This page is for people who are signed in."),
    403: ("You may not do that", "Ask an administrator if you need this."),
    404: ("Page not found", "It may have been moved or deleted. Check the address."),
    405: ("That is not possible here", "Go back and use the buttons of the page."),
    409: ("That cannot be done now", "Go back to see how things stand, then try again."),
    412: ("Somebody was faster", "Read the present state, then try again."),
    413: ("That is too large", "Send a smaller file or less text."),
    415: ("That format is not understood", "Send the content in one of the accepted formats."),
    422: ("Some entries cannot be accepted", "Correct them and send the form again."),
    428: ("Say what you have read", "Send the ETag of what you read as 'If-Match'."),
    429: ("Too many requests", "Wait a moment, then try again."),
    500: ("Something went wrong on our side", "It has been logged. Try again in a moment."),
    503: ("Not available just now", "Try again in a moment."),
}


_PART = re.compile(r"([a-z_]+)-([0-9]+)-(\w+)")  # a field of a part, as forms name it


def register_errors(app: Quart) -> None:
    """Answer every error in the site's own words."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(OperationalError, _database_down)


def status_of(error: DomainError) -> int:
    """Return the HTTP status of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def wants_problem() -> bool:
    """Whether the client is a program: it asked the API, or prefers JSON to HTML."""
    if has_websocket_context() or request.path.startswith("/api/"):
        return True
    accept = request.accept_mimetypes
    programs = max(accept["application/json"], accept["application/problem+json"])
    return programs > accept["text/html"]


async def _domain_error(error: DomainError) -> Response:
    errors = error.errors if isinstance(error, ValidationError) else None
    return await answer_error(status_of(error), detail=str(error), errors=errors)


async def _stale(error: StaleDataError) -> Response:
    return await answer_error(409, detail="Somebody else changed this at the same moment.")


async def _database_down(error: OperationalError) -> Response:
    current_app.logger.error("The database does not answer", exc_info=error)
    response = await answer_error(503, detail=None)
    response.headers["Retry-After"] = "1"
    return response


async def _http_error(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    response = await answer_error(error.code, detail=_own_words(error))
    for name, value in error.get_headers(None):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _own_words(error: HTTPException) -> str | None:
    """Return the description if somebody wrote one for this case, not werkzeug's stock text."""
    if error.code == 500 or error.description == type(error).description:
        return None
    return error.description


async def answer_error(
    status: int, *, detail: str | None, errors: Errors | None = None
) -> Response:
    """Return the answer to a request that failed: a problem document or a page.

    Args:
        status: Of HTTP.
        detail: What happened, for the person; advice of a general kind if not given.
        errors: What is wrong with an entry, by field.
    """
    phrase = HTTPStatus(status).phrase
    title, advice = ADVICE.get(status, (phrase, "Go back and try again."))
    if wants_problem():
        problem: dict[str, Any] = {"type": "about:blank", "title": phrase, "status": status}
        problem |= {"detail": detail or advice}
        if errors:
            problem["errors"] = [
                {"pointer": pointer(name), "detail": text}
                for name, texts in errors.items()
                for text in texts
            ]
        return Response(json.dumps(problem), status, content_type="application/problem+json")
    body = await _page(status=status, title=title, detail=detail, advice=advice, errors=errors)
    return Response(body, status, content_type="text/html; charset=utf-8")


def pointer(name: str) -> str:
    """Return where a field stands in a JSON document (RFC 6901), ``""`` for all of it."""
    if match := _PART.fullmatch(name):
        return "/{}/{}/{}".format(*match.groups())
    return f"/{name.replace('~', '~0').replace('/', '~1')}" if name else ""


async def _page(*, status: int, title: str, advice: str, **values: Any) -> str:
    """Return the error page; a plain one if what broke is needed to make the real one."""
    try:
        return await render_template(
            "errors/error.html", status=status, title=title, advice=advice, **values
        )
    except Exception:
        current_app.logger.exception("The page for error %s could not be made", status)
        return f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{advice}</p>"
