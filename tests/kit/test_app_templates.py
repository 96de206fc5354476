"""Templates: quick paths for output and calls give exactly the text of Jinja."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jinja2
import pytest
import quart
from jinja2 import pass_context, pass_environment, pass_eval_context
from markupsafe import Markup
from quart import render_template_string

from quarterdeck.app import Blueprint, Quart
from quarterdeck.app.templating import MAX_STRINGS

TEMPLATES = [
    "{{ text }}|{{ safe }}|{{ number }}|{{ real }}|{{ none }}|{{ yes }}|{{ html }}|{{ missing }}",
    "{{ sub }}|{{ lazy }}|{{ text ~ safe }}|{{ text|upper }}|{{ [text, safe]|join(',') }}",
    "{% autoescape false %}{{ text }}{{ safe }}{% endautoescape %}{{ text }}",
    "{% set held %}{{ text }}{% endset %}{{ held }}{% filter upper %}{{ text }}{% endfilter %}",
    """{% macro m(a, b='<') %}{{ a }}{{ b }}{{ kwargs.c }}{{ varargs }}{% endmacro %}
    {{ m(text) }}{{ m(text, safe, 1, c=2) }}""",
    """{% macro box() %}[{{ caller(1) }}]{% endmacro %}
    {% call(n) box() %}{{ n }}{{ text }}{% endcall %}""",
    """{% for n in [1, 2] %}{{ marked(n) }}{{ seen(n) }}{{ env(n) }}{% endfor %}
    {% for n in [1, 2] %}{{ plain(n) }}{{ thing(n) }}{% endfor %}""",
    "{{ thing.method(text) }}{{ stops() }}{{ ''.join(['a', text]) }}",
]


class Html:
    def __html__(self) -> str:
        return "<b>"


class Sub(str):
    """A text of another type."""


class Thing:
    def __call__(self, value: Any) -> str:
        return f"<{value}>"

    def method(self, value: Any) -> Markup:
        return Markup("<i>{}</i>").format(value)


@pass_eval_context
def marked(context: Any, value: Any) -> str:
    return f"{context.autoescape}{value}<"


@pass_context
def seen(context: Any, value: Any) -> str:
    return f"{context.resolve('n')}{value}"


@pass_environment
def env(environment: Any, value: Any) -> str:
    return f"{environment.block_start_string}{value}"


def stops() -> None:
    raise StopIteration


VALUES: dict[str, Any] = {
    "text": "<a & 'b'>",
    "safe": Markup("<hr>"),
    "number": 3,
    "real": 1.5,
    "none": None,
    "yes": True,
    "html": Html(),
    "sub": Sub("<s>"),
    "lazy": ["<", 1],
    "marked": marked,
    "seen": seen,
    "env": env,
    "plain": lambda value: f"<{value}",
    "thing": Thing(),
    "stops": stops,
}


@pytest.mark.parametrize("source", TEMPLATES)
@pytest.mark.parametrize("is_async", [False, True])
async def test_the_text_is_that_of_jinja(source: str, is_async: bool) -> None:
    app = Quart(__name__)
    app.config["JINJA_ASYNC"] = is_async
    plain = jinja2.Environment(autoescape=True)
    async with app.app_context():
        assert await render_template_string(source, **VALUES) == plain.from_string(source).render(
            VALUES
        )


async def test_a_string_is_compiled_once_and_few_are_kept() -> None:
    app = Quart(__name__)
    first = app.jinja_env.from_string("{{ n }}")
    async with app.app_context():
        assert [await render_template_string("{{ n }}", n=n) for n in "12"] == ["1", "2"]
    assert app.jinja_env.from_string("{{ n }}") is first
    assert app.jinja_env.overlay(trim_blocks=True).from_string("{{ n }}") is not first
    assert app.jinja_env.from_string("{{ n }}", {"n": 5}).render() == "5"
    for number in range(MAX_STRINGS):
        app.jinja_env.from_string(f"{number}")
    assert app.jinja_env.from_string("{{ n }}") is not first


def test_globals_of_one_template_are_not_those_of_another() -> None:
    """Though templates without any share those of the environment."""
    app = Quart(__name__)
    loader = jinja2.DictLoader({"a": "{{ name }}", "b": "{% import 'a' as a %}{{ name }}{{ a }}"})
    app.jinja_env.loader = loader
    environment = app.jinja_env
    assert environment.get_template("a").render() == ""
    assert environment.get_template("a", globals={"name": 1}).render() == "1"
    assert environment.get_template("a").render() == "1"  # as in Jinja, where it is kept
    assert environment.select_template(["b"], globals={"name": 2}).render() == "21"
    assert "name" not in environment.globals
    environment.globals["name"] = 3
    assert environment.get_template("a").render() == "1"
    assert environment.from_string("{{ name }}", {"name": 4}).render() == "4"
    assert environment.from_string("{{ name }}").render() == "3"


class CountingExecutor(ThreadPoolExecutor):
    """Counts what is given to its threads."""

    count = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.count += 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("kind", [Blueprint, quart.Blueprint])
async def test_a_template_of_a_blueprint_needs_no_thread(kind: type[quart.Blueprint]) -> None:
    outer, inner = kind("outer", __name__), kind("inner", __name__)

    @inner.context_processor
    async def words() -> dict[str, str]:
        return {"word": "own"}

    @inner.get("/")
    async def page() -> str:
        return await render_template_string("{{ word }} {{ request.path }} {{ g.missing }}")

    outer.register_blueprint(inner)
    app = Quart(__name__)
    app.register_blueprint(outer)
    executor = CountingExecutor()
    asyncio.get_running_loop().set_default_executor(executor)

    response = await app.test_client().get("/")

    assert await response.get_data(as_text=True) == "own / "
    assert executor.count == 0
