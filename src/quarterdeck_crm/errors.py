"""The domain errors, and the HTTP answer to each.

Services raise the errors of this module; ``STATUS`` is the one table that gives each its
HTTP status. Users get a page in the site's layout, programs a problem document (RFC 9457).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from quart import (
    Response,
    current_app,
    has_websocket_context,
    json,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, HTTPException, MethodNotAllowed

from quarterdeck.babel import gettext as _
from quarterdeck.babel import ngettext
from quarterdeck.exceptions import QuarterdeckError, RateLimitExceededError
from quarterdeck.logging import request_id
from quarterdeck.login import return_path
from quarterdeck_crm.languages import lazy as _l

if TYPE_CHECKING:
    from quart import Quart
    from quart.typing import ResponseTypes

    from .models import Scope
    from .transfer.csvfile import Mistakes

REALM = "quarterdeck"

Errors = dict[str, list[str]]


class DomainError(Exception):
    """Base of all errors that a service raises. Users read the text."""


class NotFoundError(DomainError):
    """The requested row does not exist, or this user may not see it."""


class NoSuchPageError(NotFoundError):
    """The list ends before this page."""


class LinkUsedError(DomainError):
    """A link that sets a password was used, replaced or altered, or is too old."""


class ForbiddenError(DomainError):
    """This user may not do that."""


class ConflictError(DomainError):
    """Another user changed the row in between, or its state does not allow this."""


class StaleError(ConflictError):
    """Another user changed the row after this user had read it."""


class MergedError(ConflictError):
    """The record became part of another one, of the same ``kind`` with the id ``into``."""

    def __init__(self, kind: str, into: int) -> None:
        super().__init__(
            _("This record was merged into another one. Open that one and enter it there.")
        )
        self.kind, self.into = kind, into


class ClashError(ConflictError):
    """A value that must be unique was saved by another transaction after it was checked."""


class ValidationError(DomainError):
    """The entries are not acceptable; ``errors`` lists the reasons by field."""

    def __init__(self, errors: Errors) -> None:
        # A text of a module may be lazy: it is in the language of this request from here on.
        self.errors = {name: [str(text) for text in texts] for name, texts in errors.items()}
        super().__init__(" ".join(text for texts in self.errors.values() for text in texts))


class InvalidQueryError(ValidationError):
    """The query arguments of a request to the API are not acceptable."""


class ImportRefusedError(DomainError):
    """A file has mistakes, so nothing of it was written."""

    def __init__(self, mistakes: Mistakes) -> None:
        super().__init__(str(mistakes))
        self.mistakes = mistakes


class OutOfStockError(ConflictError):
    """There is less in stock than was ordered."""


class MoveNotAllowedError(ConflictError):
    """An order cannot go from its state to the one asked for."""


class KeyTakenError(ConflictError):
    """A concurrent request with the same idempotency key was faster."""


class KeyReusedError(ConflictError):
    """The idempotency key belongs to a different request, answered with ``body``."""

    def __init__(self, body: str) -> None:
        super().__init__(_("This key was sent with another request."))
        self.body = body


class SchemaMismatchError(QuarterdeckError, RuntimeError):
    """The tables of the database do not belong to this version of the CRM."""

    def __init__(self, found: str, remedy: str = "Run 'crm db upgrade' first.") -> None:
        super().__init__(f"The tables of the database are {found}. {remedy}")


class OrderSumsError(QuarterdeckError, RuntimeError):
    """Sums of orders differ from the orders."""

    def __init__(self, count: int, first: str) -> None:
        super().__init__(
            f"{count} sums of orders differ from the orders, such as {first}. "
            "Run 'crm sums check' to see them, then 'crm sums rebuild'."
        )


Clash = tuple[str, str, tuple[int, str], tuple[int, str]]


class KeyClashError(QuarterdeckError, RuntimeError):
    """Rows have codes or numbers that differ, but count as the same since a migration."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        pairs = [
            f"{column} '{first}' of {table} {first_id} and '{other}' of {table} {other_id}"
            for table, column, (first_id, first), (other_id, other) in clashes
        ]
        more = f", and {len(pairs) - 10} more" if len(pairs) > 10 else ""
        super().__init__(
            "Codes and numbers now count as the same in upper and lower case, and these do: "
            f"{', '.join(pairs[:10])}{more}. Nothing was changed. Give one of each two another "
            "value, in the version used so far or by SQL, and upgrade again."
        )


class InsufficientScopeError(Forbidden):
    """403 for a token without the required scope, which the answer names."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This token lacks the scope '{scope}'. Make another one that has it.")
        self.scope = scope

    def get_headers(self, *args: object, **options: object) -> list[tuple[str, str]]:
        header = challenge(error="insufficient_scope", scope=self.scope)
        return [*super().get_headers(), ("WWW-Authenticate", str(header))]


def challenge(**details: str) -> WWWAuthenticate:
    """Return the ``WWW-Authenticate`` header of an answer that asks for a token."""
    return WWWAuthenticate("bearer", {"realm": REALM, **details})


STATUS: dict[type[DomainError], int] = {
    NotFoundError: 404,
    LinkUsedError: 410,
    ForbiddenError: 403,
    ConflictError: 409,
    ValidationError: 422,
    ImportRefusedError: 422,
}

# What happened and what to do, where the HTTP phrase alone would not help a user.
ADVICE: dict[int, tuple[str, str]] = {
    400: (_l("That request did not make sense"), _l("Go back, reload the page and try again.")),
    401: (_l("Please sign in"), _l("This page is for users who are signed in.")),
    403: (_l("You may not do that"), _l("Ask an administrator if you need this.")),
    404: (_l("Page not found"), _l("It may have been moved or deleted. Check the address.")),
    405: (_l("That is not possible here"), _l("Go back and use the buttons of the page.")),
    409: (_l("That cannot be done now"), _l("Go back to see how things stand, then try again.")),
    410: (_l("This no longer works"), _l("Ask an administrator for a new link.")),
    412: (_l("Somebody was faster"), _l("Read the present state, then try again.")),
    413: (_l("That is too large"), _l("Send a smaller file or less text.")),
    415: (
        _l("That format is not understood"),
        _l("Send the content in one of the accepted formats."),
    ),
    422: (_l("Some entries cannot be accepted"), _l("Correct them and send the form again.")),
    428: (_l("Say what you have read"), _l("Send the ETag of what you read as 'If-Match'.")),
    429: (_l("Too many requests"), _l("Wait a moment, then try again.")),
    500: (_l("Something went wrong on our side"), _l("It has been logged. Try again in a moment.")),
    503: (_l("Not available just now"), _l("Try again in a moment.")),
}


PAGES = {"account": "accounts.show", "person": "people.show"}  # of records that can be merged
_PART = re.compile(r"([a-z_]+)-([0-9]+)-(\w+)")  # a field of a part, as forms name it


def register_errors(app: Quart) -> None:
    """Answer every error in the site's own words."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(MergedError, _merged)
    app.register_error_handler(NoSuchPageError, _no_such_page)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(OperationalError, _database_down)


def status_of(error: DomainError) -> int:
    """Return the HTTP status of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def in_language(error: HTTPException) -> str:
    """Return the description of an error in the language of the page; kit_texts.py has them."""
    if isinstance(error, RateLimitExceededError):
        seconds = int(str(error.retry_after))
        if seconds > 2 * 60:
            minutes = -(-seconds // 60)
            return _("Too many requests. Try again in %(minutes)s minutes.", minutes=minutes)
        return ngettext(
            "Too many requests. Try again in %(num)s second.",
            "Too many requests. Try again in %(num)s seconds.",
            seconds,
        )
    return _(error.description or "")


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


async def _merged(error: MergedError) -> ResponseTypes:
    """Lead to the record that is left, where the notes are too; refuse changes of the old one."""
    argument: dict[str, Any] = {f"{error.kind}_id": error.into}
    if has_websocket_context() or request.method not in {"GET", "HEAD"}:
        links = {}
        if not wants_problem():
            links[_("Open the other record")] = url_for(PAGES[error.kind], **argument)
        return await answer_error(409, detail=str(error), links=links)
    argument["note"] = request.args.get("note")
    view = f"api.read_{error.kind}" if request.path.startswith("/api/") else PAGES[error.kind]
    return redirect(url_for(view, **argument), 308)


async def _no_such_page(error: NoSuchPageError) -> Response:
    """Lead to the first page of the list, with its filters."""
    position = {"page", "after", "before"}
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] not in position]
    first = f"{request.root_path}{request.path}?{urlencode(pairs)}"
    return await answer_error(404, detail=str(error), links={_("First page"): first})


async def _stale(error: StaleDataError) -> Response:
    return await answer_error(409, detail=_("Another user changed this at the same moment."))


async def _database_down(error: OperationalError) -> Response:
    current_app.logger.error("The database does not answer", exc_info=error)
    response = await answer_error(503, detail=None)
    response.headers["Retry-After"] = "1"
    return response


async def _http_error(error: HTTPException) -> ResponseTypes:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    detail = _own_words(error)
    if isinstance(error, MethodNotAllowed) and wants_problem():
        accepted = ", ".join(sorted(error.valid_methods or ()))
        detail = _(
            "This address does not accept %(method)s. It accepts: %(methods)s.",
            method=request.method,
            methods=accepted,
        )
    response = await answer_error(error.code, detail=detail)
    for name, value in error.get_headers(None):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _own_words(error: HTTPException) -> str | None:
    """Return the description if it was written for this case, not werkzeug's stock text."""
    if error.code == 500 or error.description == type(error).description:
        return None
    return None if error.description is None else in_language(error)


async def answer_error(
    status: int,
    *,
    detail: str | None,
    errors: Errors | None = None,
    links: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a request that failed: a problem document or a page.

    Args:
        status: Of HTTP.
        detail: The reason, for the user; general advice if not given.
        errors: The problems of the entries, by field.
        links: Pages that help instead of general advice, by the words for them.
    """
    phrase = HTTPStatus(status).phrase
    title, advice = ADVICE.get(status, (phrase, _("Go back and try again.")))
    if wants_problem():
        problem: dict[str, Any] = {"type": "about:blank", "title": phrase, "status": status}
        problem |= {"detail": detail or advice}
        if status >= 500 and (name := request_id()) is not None:
            problem["request_id"] = name
        if errors:
            problem["errors"] = [
                {"pointer": pointer(name), "detail": text}
                for name, texts in errors.items()
                for text in texts
            ]
        return Response(json.dumps(problem), status, content_type="application/problem+json")
    body = await _page(
        status=status, title=title, detail=detail, advice=advice, errors=errors, links=links or {}
    )
    return Response(body, status, content_type="text/html; charset=utf-8")


def pointer(name: str) -> str:
    """Return where a field stands in a JSON document (RFC 6901), ``""`` for all of it."""
    if match := _PART.fullmatch(name):
        return "/{}/{}/{}".format(*match.groups())
    if name.startswith("fields."):  # a custom field
        name, _dot, key = name.partition(".")
        return f"/{name}/{key.replace('~', '~0').replace('/', '~1')}"
    return f"/{name.replace('~', '~0').replace('/', '~1')}" if name else ""


async def _page(*, status: int, title: str, advice: str, **values: Any) -> str:
    """Return the error page; a plain one if the error keeps the real one from being made."""
    back = return_path() if request.method == "POST" else None
    name = request_id() if status >= 500 else None
    try:
        return await render_template(
            "errors/error.html",
            status=status,
            title=title,
            advice=advice,
            back=back,
            request_id=name,
            **values,
        )
    except Exception:
        current_app.logger.exception("The page for error %s could not be made", status)
        shown = "" if name is None else f"<p>Request {name}</p>"
        return f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{advice}</p>{shown}"
