"""An answer that is a call without ``await``: the error names the call and the line."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from quart import make_response, render_template, render_template_string, request

from quarterdeck.app import Quart
from quarterdeck.exceptions import NotAwaitedError

HERE = rf"at {__file__}:\d+ did nothing, because it was not awaited\. Write 'await' in front"
IN_TEMPLATE = r"'count\(\)' did nothing.* Await it in the view, and pass the result to the template"


async def returned() -> Any:
    return render_template("index.html")


async def with_a_status() -> Any:
    return render_template("index.html"), 201


async def in_make_response() -> Any:
    return await make_response(request.get_json())


async def in_json() -> Any:
    return {"page": render_template("index.html")}


async def in_a_list() -> Any:
    return [request.get_json()]


async def in_a_text() -> Any:
    return f"<p>{render_template('index.html')}</p>"


async def count() -> int:
    return 1


async def in_a_template() -> Any:
    return await render_template_string("{{ count() }}", count=count)


async def in_a_text_template() -> Any:
    return await render_template_string(
        "{% autoescape false %}{{ count() }}{% endautoescape %}", count=count
    )


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.testing = True
    return app


CASES: list[tuple[Any, str]] = [
    (returned, rf"'render_template\(\)' {HERE}"),
    (with_a_status, rf"'render_template\(\)' {HERE}"),
    (in_make_response, rf"'Request\.get_json\(\)' {HERE}"),
    (in_json, r"'render_template\(\)' .*did nothing"),
    (in_a_list, r"'Request\.get_json\(\)' .*did nothing"),
    (in_a_text, r"'render_template\(\)' in the answer of 'in_a_text' did nothing"),
    (in_a_template, IN_TEMPLATE),
    (in_a_text_template, IN_TEMPLATE),
]


@pytest.mark.feature("T1", "A1")
@pytest.mark.filterwarnings("ignore:coroutine 'render_template' was never awaited")
@pytest.mark.parametrize("depth", [0, 10], ids=["served", "debugged"])
@pytest.mark.parametrize(("view", "message"), CASES)
async def test_it_is_named(app: Quart, view: Any, message: str, depth: int) -> None:
    """With asyncio's debug mode, coroutines know the line of their call."""
    app.add_url_rule("/", view_func=view)
    before = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(depth)
    try:
        with pytest.raises(NotAwaitedError, match=message):
            await app.test_client().get("/")
    finally:
        sys.set_coroutine_origin_tracking_depth(before)


async def test_a_page_may_speak_of_coroutines_once_it_is_served() -> None:
    app = Quart(__name__)
    text = "<coroutine object fetch at 0x7f00>"
    app.add_url_rule("/", "index", lambda: text)
    assert await (await app.test_client().get("/")).get_data(as_text=True) == text
