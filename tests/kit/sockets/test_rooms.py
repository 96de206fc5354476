"""Names of rooms."""

from __future__ import annotations

from typing import Any

import pytest

from quarterdeck.exceptions import RoomPatternError
from quarterdeck.sockets import Hub
from quarterdeck.sockets.rooms import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "name", "values"),
    [
        ("orders", "orders", {}),
        ("orders", "orders2", None),
        ("orders", "", None),
        ("order:<int:id>", "order:17", {"id": 17}),
        ("order:<int:id>", "order:017", None),  # one spelling, so one room
        ("order:<int:id>", "order:0", {"id": 0}),
        ("order:<int:id>", "order:-1", None),
        ("order:<int:id>", "order:١", None),
        ("order:<int:id>", "order:17\n", None),
        ("order:<int:id>", "order:9999999999999999999", None),
        ("order:<int:id>", "order:x", None),
        ("talk:<name>", "talk:Ada", {"name": "Ada"}),
        ("talk:<string:name>", "talk:a:b", None),
        ("talk:<name>:<int:page>", "talk:a:3", {"name": "a", "page": 3}),
        ("a.c", "abc", None),
    ],
)
def test_names(pattern: str, name: str, values: dict[str, Any] | None) -> None:
    assert compile_pattern(pattern, print).match(name) == values


@pytest.mark.parametrize("pattern", ["order:<float:id>", "order:<int:id", "", "a<>"])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(RoomPatternError, match="Write text and"):
        compile_pattern(pattern, print)


def test_the_rooms_of_members_are_the_hubs_own() -> None:
    with pytest.raises(RoomPatternError, match="'publish_to'"):
        Hub().room("user:<id>")
