"""JSON in answers."""

from __future__ import annotations

import dataclasses
import enum
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from quart import (
    jsonify,
    render_template_string,
)

from quarterdeck.app import Quart

from .answers_app import get, make_app, make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


# --- JSON -----------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int


class Color(enum.Enum):
    RED = "red"


class Name(str):
    __slots__ = ()


@pytest.mark.feature("A1", "D8")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), '"1.10"'),
        (datetime(2026, 11, 21, 9, 5, tzinfo=UTC), '"2026-11-21T09:05:00Z"'),
        (date(2026, 11, 21), '"2026-11-21"'),
        (timedelta(hours=1), '"PT3600S"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Color.RED, '"red"'),
        (Point(1), '{"x":1}'),
        ({3}, "[3]"),
        ((1, 2), "[1,2]"),
        (b"ab", '"YWI="'),
        (Markup("<b>"), '"<b>"'),
        (Name("n"), '"n"'),
        ({"b": 1, "a": {"é": None}}, '{"b":1,"a":{"é":null}}'),
        ({1: 2}, '{"1":2}'),
        (10**30, "1" + "0" * 30),
        (float("nan"), "null"),
    ],
)
async def test_values_as_json(value: Any, text: str) -> None:
    assert Quart(__name__).json.dumps(value) == text


def test_what_has_no_json_form_is_named() -> None:
    with pytest.raises(TypeError, match="'object' has no JSON form"):
        Quart(__name__).json.dumps(object())


def test_json_is_sorted_and_indented_when_asked() -> None:
    provider: Any = Quart(__name__).json
    assert provider.dumps({"b": 1, "a": 2}, sort_keys=True) == '{"a":2,"b":1}'
    assert provider.dumps({"a": 1}, indent=2) == '{\n  "a": 1\n}'
    provider.sort_keys = True
    assert provider.dumps({"b": 1, "a": 2}) == '{"a":2,"b":1}'


@pytest.mark.feature("A1")
async def test_json_answers_of_every_form(folder: Path) -> None:
    app = make_app(folder)
    app.add_url_rule("/dict", "dict", lambda: {"a": 1})
    app.add_url_rule("/list", "list", lambda: ["a"])
    app.add_url_rule("/words", "words", lambda: jsonify(a=1))
    app.add_url_rule("/many", "many", lambda: jsonify(1, 2))
    for path, text in (
        ("/dict", b'{"a":1}\n'),
        ("/list", b'["a"]\n'),
        ("/words", b'{"a":1}\n'),
        ("/many", b"[1,2]\n"),
    ):
        status, body, headers = await get(app, path)
        assert (status, body, headers["Content-Type"]) == (200, text, "application/json")


async def test_tojson_is_safe_in_a_script(folder: Path) -> None:
    app = make_app(folder)
    async with app.app_context():
        source = "{{ value|tojson }}"
        text = await render_template_string(source, value={"b": "</script>", "a": "'"})
    assert text == r'{"a":"\u0027","b":"\u003c/script\u003e"}'
    assert json.loads(text) == {"a": "'", "b": "</script>"}
