"""Error responses of the API that differ from those of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from quart import Response, json, request

from quarterdeck.wtf import InvalidData
from quarterdeck_crm.errors import (
    InvalidQueryError,
    StaleError,
    ValidationError,
    answer_error,
    challenge,
)

from . import bp


@bp.errorhandler(StaleError)
async def stale(error: StaleError) -> Response:
    """Say that the condition failed, if the program had made one."""
    return await answer_error(412 if "If-Match" in request.headers else 409, detail=str(error))


@bp.errorhandler(ValidationError)
async def bad_entries(error: ValidationError) -> Response:
    """Give the reasons; what can be wrong in a request that reads is its query arguments."""
    if request.method in {"GET", "HEAD"}:
        return _bad_arguments(error.errors)
    return await answer_error(422, detail=str(error), errors=error.errors)


@bp.errorhandler(InvalidQueryError)
async def bad_query(error: InvalidQueryError) -> Response:
    """Give the reasons, and name the query arguments."""
    return _bad_arguments(error.errors)


@bp.errorhandler(InvalidData)
async def bad_form(error: InvalidData) -> Response:
    """Give the messages of a form in the way of the other operations."""
    return _bad_arguments(error.errors)


@bp.after_request
async def finish(response: Response) -> Response:
    """Say how to sign in, and that an answer is for one user and may change at any time."""
    if response.status_code == 401 and "WWW-Authenticate" not in response.headers:
        response.headers["WWW-Authenticate"] = str(challenge())
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.vary.add("Authorization")
    return response


def _bad_arguments(errors: Mapping[str, Iterable[str]]) -> Response:
    wrong: list[dict[str, Any]] = [
        ({"parameter": name} if name else {}) | {"detail": text}
        for name, texts in errors.items()
        for text in texts
    ]
    problem = {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": " ".join(dict.fromkeys(each["detail"] for each in wrong)),
        "errors": wrong,
    }
    return Response(json.dumps(problem), 400, content_type="application/problem+json")
