"""One decorator that makes a function an operation of the API, checked and described alike."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from quart import Response, request

from quarterdeck.login import login_required
from quarterdeck_crm.models import Scope
from quarterdeck_crm.tokens.bearer import require_scope

from .answers import Answer, respond
from .bodies import Needs, read_body, read_query

View = Callable[..., Awaitable[Answer]]
SAFE = {"GET", "HEAD", "OPTIONS"}
_ATTRIBUTE = "_quarterdeck_crm_operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The arguments of the decorator, for the OpenAPI document.

    Attributes:
        group: The heading in the document.
        status: Of the answer when all is well.
        answers: The representation in that answer, None if it is empty.
        query: The query arguments.
        form_query: The query arguments that a form of the view checks.
        body: The body of the request.
        needs: Which fields of it must be there.
        locks: Whether ``If-Match`` is required.
        may_lock: Whether it may.
        repeatable: Whether an ``Idempotency-Key`` is understood.
        conflicts: Whether the state of things may forbid it (409).
    """

    group: str
    status: int
    answers: type[Struct] | None
    query: type[Struct] | None
    form_query: type[Struct] | None
    body: type[Struct] | None
    needs: Needs
    locks: bool
    may_lock: bool
    repeatable: bool
    conflicts: bool


def operation(
    group: str,
    *,
    answers: type[Struct] | None = None,
    status: int = 200,
    query: type[Struct] | None = None,
    form_query: type[Struct] | None = None,
    body: type[Struct] | None = None,
    needs: Needs = Needs.NEW,
    locks: bool = False,
    may_lock: bool = False,
    repeatable: bool = False,
    conflicts: bool = False,
) -> Callable[[View], Callable[..., Awaitable[Response]]]:
    """Make a function an operation: signed in, within its scope, with checked input.

    The function gets the query as ``query_args`` and the body as ``data``, and returns an
    ``Answer``. See ``Operation`` for the arguments.
    """
    told = Operation(
        group=group,
        status=status,
        answers=answers,
        query=query,
        form_query=form_query,
        body=body,
        needs=needs,
        locks=locks,
        may_lock=locks or may_lock,
        repeatable=repeatable,
        conflicts=conflicts or locks or repeatable,
    )

    def decorator(view: View) -> Callable[..., Awaitable[Response]]:
        @functools.wraps(view)
        async def run(**values: Any) -> Response:
            require_scope(Scope.READ if request.method in SAFE else Scope.WRITE)
            if query is not None:
                values["query_args"] = read_query(query)
            if body is not None:
                values["data"] = await read_body(body, needs)
            return respond(await view(**values))

        setattr(run, _ATTRIBUTE, told)
        guarded: Callable[..., Awaitable[Response]] = login_required(run)
        return guarded

    return decorator


def operation_of(view: Any) -> Operation | None:
    """Return the declaration of a view, None if it is no operation."""
    told: Operation | None = getattr(view, _ATTRIBUTE, None)
    return told
