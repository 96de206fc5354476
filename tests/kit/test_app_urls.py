"""URLs that a page asks for again and again are built once, and never wrongly."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from quart import g, url_for
from werkzeug.exceptions import BadHost
from werkzeug.routing import BuildError, MapAdapter

from quarterdeck.app import Blueprint, Quart


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart(__name__)
    app.add_url_rule("/number/<value>", "number", lambda value: "")
    return app


async def test_a_static_url_is_built_once(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = MapAdapter.build

    def count(adapter: MapAdapter, endpoint: str, *args: Any) -> str:
        built.append(endpoint)
        return build(adapter, endpoint, *args)

    monkeypatch.setattr(MapAdapter, "build", count)
    for _ in range(2):
        async with app.test_request_context("/"):
            urls = {url_for("static", filename="icons.svg") for _ in range(3)}
            assert urls == {"/static/icons.svg"}
    assert built == ["static"]


async def test_external_urls_are_their_own(app: Quart) -> None:
    async with app.test_request_context("/"):
        assert url_for("static", filename="a") == "/static/a"
        assert url_for("static", filename="a", _external=True) == "http://localhost/static/a"
        assert url_for("static", filename="a", _anchor="top") == "/static/a#top"


@pytest.mark.parametrize("order", [(1, True, 1.0), (True, 1.0, 1)])
async def test_equal_values_of_different_types_differ(app: Quart, order: tuple[Any, ...]) -> None:
    async with app.test_request_context("/"):
        urls = [url_for("number", value=value) for value in order]
    assert urls == [f"/number/{value}" for value in order]


async def test_defaults_may_change_within_a_request(app: Quart) -> None:
    app.add_url_rule("/<language>/about", "about", lambda language: "")

    @app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "about":
            values.setdefault("language", g.language)

    async with app.test_request_context("/"):
        urls = []
        for g.language in ("en", "es"):
            urls.append(url_for("about"))
    assert urls == ["/en/about", "/es/about"]


async def test_a_relative_endpoint_is_one_of_the_blueprint(app: Quart) -> None:
    bp = Blueprint("shop", __name__, url_prefix="/shop")
    bp.add_url_rule("/goods/<int:number>", "show", lambda number: url_for(".show", number=number))
    app.register_blueprint(bp)

    response = await app.test_client().get("/shop/goods/7")

    assert await response.get_data(as_text=True) == "/shop/goods/7"


async def test_a_url_that_cannot_be_built_is_asked_of_the_handlers(app: Quart) -> None:
    app.url_build_error_handlers.append(lambda _, endpoint, values: f"/gone/{endpoint}")
    async with app.test_request_context("/"):
        assert url_for("shop.nowhere", number=1) == "/gone/shop.nowhere"


BUILDS: dict[str, Any] = {
    "/int/<int:n>": 7,
    "/padded/<int(fixed_digits=4):n>": 7,
    "/987654321/<int:n>": 7,
    "/two/<int:n>/<int:m>": 7,
    "/float/<float:n>": 1.5,
    "/text/<n>": "a b",
    "/signed/<int(signed=True):n>": -7,
}


@pytest.mark.parametrize("rule", BUILDS)
@pytest.mark.parametrize("prefix", ["", "/crm"])
async def test_urls_with_numbers_are_those_of_werkzeug(app: Quart, rule: str, prefix: str) -> None:
    """Built twice: a remembered URL equals one that the adapter builds."""
    app.add_url_rule(rule, "one", lambda **_: "")
    values = {"n": BUILDS[rule]} | ({"m": 3} if "<int:m>" in rule else {})
    async with app.test_request_context("/", root_path=prefix) as context:
        for more in ({}, {"page": 2}, {}):
            for number in (values["n"], values["n"] + values["n"]):
                wanted = values | {"n": number} | more
                assert url_for("one", **wanted) == context.url_adapter.build("one", dict(wanted))


@pytest.mark.parametrize("filename", ["css/a b.css", "ü/é.js", "a?b#c", None])
@pytest.mark.parametrize("prefix", ["", "/crm"])
async def test_urls_of_files_are_those_of_werkzeug(
    app: Quart, filename: str | None, prefix: str
) -> None:
    app.add_url_rule("/files/<path:filename>", "files", lambda **_: "")
    app.add_url_rule("/last/<filename>", "word", lambda **_: "")
    app.add_url_rule("/found", "found", lambda **_: "")
    async with app.test_request_context("/", root_path=prefix) as context:
        build = context.url_adapter.build
        for endpoint, more in product(("files", "word", "found") * 2, ({}, {"v": "a&1", "b": "ü"})):
            values: dict[str, Any] = {"filename": filename} | more
            if filename is None and endpoint != "found":
                with pytest.raises(BuildError):
                    url_for(endpoint, **values)
            else:
                assert url_for(endpoint, **values) == build(endpoint, values)


async def test_a_rule_that_is_added_later_counts(app: Quart) -> None:
    app.add_url_rule("/old/<int:n>", "order", lambda **_: "", alias=True)
    async with app.test_request_context("/"):
        assert url_for("order", n=1) == "/old/1"
    app.add_url_rule("/orders/<int:n>", "order")
    async with app.test_request_context("/"):
        assert url_for("order", n=1) == "/orders/1"


async def test_remembered_urls_know_defaults_and_subdomains() -> None:
    app = Quart(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    bp = Blueprint("shop", __name__)
    bp.add_url_rule("/goods/<int:n>", "good", lambda **_: "")
    bp.url_defaults(lambda _, values: values.setdefault("shop", g.shop))
    app.register_blueprint(bp)
    app.add_url_rule("/<int:n>", "other", lambda **_: "", subdomain="other")
    async with app.test_request_context("/"):
        for g.shop in (1, 2):
            assert url_for("shop.good", n=5) == f"/goods/5?shop={g.shop}"
            assert url_for("other", n=g.shop) == f"http://other.example.com/{g.shop}"


@pytest.mark.parametrize(
    ("scheme", "host", "shown"),
    [
        ("http", "Example.COM:80", "example.com"),
        ("https", "example.com:443", "example.com"),
        ("http", "example.com:443", "example.com:443"),
        ("http", "xn--bcher-kva.example:8000", "xn--bcher-kva.example:8000"),
    ],
)
async def test_hosts_are_written_as_urls_have_them(
    app: Quart, scheme: str, host: str, shown: str
) -> None:
    for _ in range(2):
        headers = {"Host": host}
        async with app.test_request_context("/", headers=headers, scheme=scheme) as context:
            assert context.url_adapter.server_name == shown
            assert url_for("number", value="1", _external=True) == f"{scheme}://{shown}/number/1"


async def test_a_host_that_no_url_can_have_is_refused_each_time(app: Quart) -> None:
    for _ in range(2):
        with pytest.raises(BadHost):
            app.test_request_context("/", headers={"Host": "a" * 80})


async def test_remembered_rules_know_methods_subdomains_and_later_rules() -> None:
    app = Quart(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/", "read", lambda: "read")
    app.add_url_rule("/", "write", lambda: "write", methods=["POST"])
    app.add_url_rule("/", "other", lambda: "other", subdomain="other")
    app.add_url_rule("/later/", "loose", lambda: "loose", strict_slashes=False)
    client = app.test_client()

    async def answer(path: str, method: str = "GET", host: str = "example.com") -> str | int:
        send = {"GET": client.get, "POST": client.post, "PUT": client.put}[method]
        response = await send(path, headers={"Host": host})
        text = await response.get_data(as_text=True)
        return text if response.status_code == 200 else response.status_code

    for _ in range(2):
        assert await answer("/") == "read"
        assert await answer("/", "POST") == "write"
        assert await answer("/", "PUT") == 405
        assert await answer("/", host="other.example.com") == "other"
        assert await answer("/later") == "loose"
    app.url_map.add(app.url_rule_class("/later", endpoint="read", methods=["GET"]))
    assert await answer("/later") == "read"
