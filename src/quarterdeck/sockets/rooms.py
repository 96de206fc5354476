"""Patterns of room names, as in URL rules, and the functions that allow entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quarterdeck.exceptions import RoomPatternError

MAX_ROOM_NAME = 200
CONVERTERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "int": (r"(?:0|[1-9][0-9]{0,17})", int),  # one spelling each, so one room each
    "string": (r"[^\s:]+", str),
}
_PART = re.compile(r"<(?:(?P<kind>[a-z]+):)?(?P<name>[a-z_]+)>")


@dataclass(frozen=True, slots=True)
class RoomPattern:
    """The rooms that match a pattern.

    Attributes:
        pattern: As written, such as ``order:<int:id>``.
        may_enter: Called with the member and the values of the name.
    """

    pattern: str
    regex: re.Pattern[str]
    values: dict[str, Callable[[str], Any]]
    may_enter: Callable[..., Any]

    def match(self, name: str) -> dict[str, Any] | None:
        """Return the values in a matching name; None if the name does not match."""
        found = self.regex.fullmatch(name)
        if found is None:
            return None
        return {key: self.values[key](text) for key, text in found.groupdict().items()}


def compile_pattern(pattern: str, may_enter: Callable[..., Any]) -> RoomPattern:
    """Compile a pattern.

    Raises:
        RoomPatternError: If the pattern is not valid.
    """
    values: dict[str, Callable[[str], Any]] = {}
    regex, end = "", 0
    for part in _PART.finditer(pattern):
        kind = part["kind"] or "string"
        if kind not in CONVERTERS:
            raise RoomPatternError(pattern, f"has the unknown converter '{kind}'")
        expression, values[part["name"]] = CONVERTERS[kind]
        regex += re.escape(pattern[end : part.start()]) + f"(?P<{part['name']}>{expression})"
        end = part.end()
    rest = pattern[end:]
    if "<" in rest or ">" in rest or not pattern:
        raise RoomPatternError(pattern, "is not a pattern")
    return RoomPattern(pattern, re.compile(regex + re.escape(rest), re.ASCII), values, may_enter)
