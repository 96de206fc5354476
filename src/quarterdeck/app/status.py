"""Statuses as views give them: 403, ``HTTPStatus.FORBIDDEN``, "403" or "403 No entry"."""

from __future__ import annotations

from typing import Any

from quarterdeck.exceptions import InvalidStatusError


def check_status(status: Any) -> int | str:
    """Return a number, or text of the form ``"403 No entry"``.

    Raises:
        InvalidStatusError: If HTTP has no such status, or the reason has a line break.
        TypeError: If it is neither a number nor text.
    """
    if not isinstance(status, int | str):
        raise TypeError(
            f"{status!r} is not a status. Answer with (body, status, headers) in this order."
        )
    code, _, reason = status.partition(" ") if isinstance(status, str) else (status, "", "")
    try:
        number = int(code)
    except (TypeError, ValueError):
        raise InvalidStatusError(status) from None
    if not 100 <= number <= 599 or "\r" in reason or "\n" in reason:
        raise InvalidStatusError(status)
    return f"{number} {reason.strip()}" if reason.strip() else number


def split_result(result: Any) -> tuple[Any, Any, Any]:
    """Take a view's answer apart into body, status and headers, None for a missing part.

    Raises:
        TypeError: If a tuple has other than two or three members.
    """
    if not isinstance(result, tuple):
        return result, None, None
    match result:
        case (body, status, headers):
            return body, status, headers
        case (body, second) if isinstance(second, (int, str)) or second is None:
            return body, second, None
        case (body, second):
            return body, None, second
    raise TypeError(
        f"A view answered with a tuple of {len(result)}. "
        "Answer with (body, status), (body, headers) or (body, status, headers)."
    )
