"""The test client: Flask's spellings work or name ours, and none corrupts data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import quart
from quart import current_app, g, redirect, request, session, url_for, websocket
from werkzeug.datastructures import FileStorage, MultiDict

from quarterdeck.app import Quart
from quarterdeck.testing import TestClient, WebsocketDisconnectError


def make_app(kind: type[quart.Quart] = Quart) -> quart.Quart:
    app = kind(__name__)
    app.secret_key = "x"
    app.test_client_class = TestClient  # type: ignore[assignment]  # Quart declares a protocol

    @app.route("/echo", methods=["GET", "POST", "PUT", "HEAD"])
    async def echo() -> dict[str, Any]:
        form, files = await request.form, await request.files
        return {
            "method": request.method,
            "url": request.url,
            "root": request.root_path,
            "type": request.content_type,
            "length": request.content_length,
            "args": request.args.to_dict(flat=False),
            "form": form.to_dict(flat=False),
            "files": {
                name: [(file.filename, file.content_type, file.read().decode()) for file in each]
                for name, each in files.lists()
            },
            "body": (await request.get_data(as_text=True)),
            "client": request.remote_addr,
            "agent": request.headers.get("X-Agent"),
        }

    return app


@pytest.fixture(params=[Quart, quart.Quart], ids=["ours", "stock"])
def app(request: pytest.FixtureRequest) -> quart.Quart:
    return make_app(request.param)


async def sent(app: quart.Quart, **arguments: Any) -> Any:
    """What the app received."""
    client: Any = app.test_client()
    return (await client.post("/echo", **arguments)).json


@pytest.mark.parametrize(
    ("data", "form"),
    [
        ({"a": ["1", "2"]}, {"a": ["1", "2"]}),
        (MultiDict([("a", "1"), ("b", "x"), ("a", "2")]), {"a": ["1", "2"], "b": ["x"]}),
        ([("a", "1"), ("a", "2")], {"a": ["1", "2"]}),
        ({"a": 1, "b": True, "c": "ü&="}, {"a": ["1"], "b": ["True"], "c": ["ü&="]}),
        ({"a": b"bytes"}, {"a": ["bytes"]}),
        ({"a": []}, {}),
    ],
)
@pytest.mark.parametrize("name", ["data", "form"])
async def test_a_form_arrives_as_it_was_given(
    app: quart.Quart, data: Any, form: Any, name: str
) -> None:
    received = await sent(app, **{name: data})
    assert received["form"] == form
    assert received["type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "file",
    [
        lambda: (BytesIO(b"content"), "a.txt"),
        lambda: (BytesIO(b"content"), "a.txt", "text/plain"),
        lambda: FileStorage(BytesIO(b"content"), "a.txt", content_type="text/plain"),
    ],
)
async def test_a_file_arrives_as_a_file(app: quart.Quart, file: Callable[[], Any]) -> None:
    received = await sent(app, data={"f": file(), "name": ["x", "y"]})
    assert received["files"] == {"f": [["a.txt", "text/plain", "content"]]}
    assert received["form"] == {"name": ["x", "y"]}


async def test_several_files_of_one_field(app: quart.Quart) -> None:
    files = [(BytesIO(b"1"), "a.txt"), (BytesIO(b"2"), "b.txt")]
    received = await sent(app, data={"f": files})
    assert [name for name, _, _ in received["files"]["f"]] == ["a.txt", "b.txt"]


@pytest.mark.parametrize("value", [None, {"x": 1}, {1, 2}, ("a", "b")])
async def test_a_field_without_a_form_on_the_wire_is_refused(app: quart.Quart, value: Any) -> None:
    with pytest.raises(TypeError, match=r"The field 'a' is .*a list of texts"):
        await sent(app, data={"a": value})


async def test_content_type(app: quart.Quart) -> None:
    received = await sent(app, data="<a/>", content_type="application/xml")
    assert (received["type"], received["body"]) == ("application/xml", "<a/>")
    received = await sent(app, data={"a": "1"}, content_type="multipart/form-data")
    assert received["form"] == {"a": ["1"]}
    assert received["type"].startswith("multipart/form-data; boundary=")
    received = await sent(app, json={"a": 1}, mimetype="application/vnd.api+json")
    assert (received["type"], received["body"]) == (
        "application/vnd.api+json",
        app.json.dumps({"a": 1}),
    )
    with pytest.raises(ValueError, match="with 'json='"):
        await sent(app, data={"a": 1}, content_type="application/json")


@pytest.mark.parametrize(
    ("query", "args"),
    [
        ("a=1&a=2&b=%C3%BC", {"a": ["1", "2"], "b": ["ü"]}),
        ("b=ü x", {"b": ["ü x"]}),
        (b"a=1", {"a": ["1"]}),
        ({"a": [1, 2], "b": None}, {"a": ["1", "2"]}),
        (MultiDict([("a", "1"), ("a", "2")]), {"a": ["1", "2"]}),
        ([("a", "1"), ("a", "2")], {"a": ["1", "2"]}),
    ],
)
async def test_query_string(app: quart.Quart, query: Any, args: Any) -> None:
    assert (await sent(app, query_string=query))["args"] == args


async def test_base_url(app: quart.Quart) -> None:
    received = await sent(app, base_url="https://shop.example/app")
    assert received["url"] == "https://shop.example/app/echo"
    assert received["root"] == "/app"
    client: Any = app.test_client()
    response = await client.get("https://shop.example:8443/echo?x=1")
    assert response.json["url"] == "https://shop.example:8443/echo?x=1"
    assert response.json["args"] == {"x": ["1"]}


async def test_environ_base(app: quart.Quart) -> None:
    environ = {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_AGENT": "robot"}
    received = await sent(app, environ_base=environ)
    assert (received["client"], received["agent"]) == ("192.0.2.7", "robot")
    client: Any = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "192.0.2.8"
    assert (await client.get("/echo")).json["client"] == "192.0.2.8"
    with pytest.raises(TypeError, match=r"'wsgi.url_scheme' .*'scope_base'"):
        await sent(app, environ_base={"wsgi.url_scheme": "https"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_stream": BytesIO(b"x")}, "Send the bytes with 'data'"),
        ({"environ_overrides": {}}, "'scope_base'"),
        ({"colour": "red"}, "'colour' is not an argument"),
    ],
)
async def test_an_argument_without_a_meaning_is_refused(
    app: quart.Quart, arguments: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        await sent(app, **arguments)


async def test_arguments_that_exclude_each_other(app: quart.Quart) -> None:
    with pytest.raises(ValueError, match="'form' and 'json' exclude each other"):
        await sent(app, form={"a": "1"}, json={})
    client: Any = app.test_client()
    with pytest.raises(ValueError, match="'query_string' is given too"):
        await client.get("/echo?a=1", query_string="b=2")


async def test_the_body_of_a_response_is_read_with_and_without_await(app: quart.Quart) -> None:
    app.add_url_rule("/text", "text", lambda: "grün")
    app.add_url_rule("/list", "list", lambda: [1, {"a": None}])
    app.add_url_rule("/null", "null", lambda: quart.jsonify(None))
    client: Any = app.test_client()
    text = await client.get("/text")
    assert text.text == "grün"
    assert text.data == await text.data == "grün".encode()
    assert b"gr" in text.data
    assert text.get_data(as_text=True) == await text.get_data(as_text=True) == "grün"
    assert await text.json is None
    data = await client.get("/list")
    assert data.json[1]["a"] is None
    assert data.get_json() == await data.get_json() == await data.json == [1, {"a": None}]
    null = await client.get("/null")
    assert null.json == None  # noqa: E711 - nothing else can be None
    assert not null.json
    assert await null.json is None
    assert "await" in repr(null.json)


async def test_redirects_have_a_history(app: quart.Quart) -> None:
    app.add_url_rule("/start", "start", lambda: redirect("/next", 303), methods=["POST"])
    app.add_url_rule("/next", "next", lambda: redirect("/echo?x=1"))
    app.add_url_rule("/same", "same", lambda: redirect("/echo", 307), methods=["POST"])
    client: Any = app.test_client()
    response = await client.post("/start", data={"a": "1"}, follow_redirects=True)
    assert [each.status_code for each in response.history] == [303, 302]
    assert [each.request.path for each in response.history] == ["/start", "/next"]
    assert response.request.path == "/echo"
    assert response.request.args["x"] == "1"
    assert (response.json["method"], response.json["form"]) == ("GET", {})
    assert response.json["type"] is None
    response = await client.post("/same", data={"a": "1"}, follow_redirects=True)
    assert (response.json["method"], response.json["form"]) == ("POST", {"a": ["1"]})
    assert (await client.get("/next")).history == ()


async def test_a_redirect_to_another_host_and_one_without_end(app: quart.Quart) -> None:
    app.add_url_rule("/away", "away", lambda: redirect("https://elsewhere.example/"))
    app.add_url_rule("/loop", "loop", lambda: redirect("/loop"))
    app.add_url_rule("/secure", "secure", lambda: redirect("https://localhost/echo"))
    client: Any = app.test_client()
    with pytest.raises(RuntimeError, match="another host"):
        await client.get("/away", follow_redirects=True)
    with pytest.raises(RuntimeError, match="more than 20 redirects"):
        await client.get("/loop", follow_redirects=True)
    response = await client.get("/secure", follow_redirects=True)
    assert response.json["url"] == "https://localhost/echo"


@pytest.mark.parametrize("propagate", [None, False])
async def test_an_exception_reaches_the_test(propagate: bool | None) -> None:
    app = make_app()
    app.config["PROPAGATE_EXCEPTIONS"] = propagate
    app.add_url_rule("/fail", "fail", lambda: str(1 / 0))
    client = app.test_client()
    assert (await client.get("/fail")).status_code == 500
    app.testing = True
    if propagate is False:
        assert (await client.get("/fail")).status_code == 500
        return
    with pytest.raises(ZeroDivisionError):
        await client.get("/fail")


@pytest.mark.parametrize("app_class", [quart.Quart, Quart])
@pytest.mark.parametrize(
    ("options", "raises"),
    [
        ({"TESTING": True}, True),
        ({"TESTING": True, "PROPAGATE_EXCEPTIONS": True}, True),
        ({"PROPAGATE_EXCEPTIONS": True}, True),
        ({"DEBUG": True}, True),
        ({"TESTING": True, "PROPAGATE_EXCEPTIONS": False}, False),
        ({}, False),
    ],
)
async def test_an_exception_reaches_the_test_with_any_app(
    app_class: type[quart.Quart], options: dict[str, Any], raises: bool
) -> None:
    app = app_class(__name__)
    app.config.update(options)

    @app.get("/fail")
    async def fail() -> str:
        raise LookupError("lost")

    @app.get("/handled")
    async def handled() -> str:
        raise KeyError("found")

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.accept()
        raise LookupError("lost")

    @app.errorhandler(KeyError)
    async def found(_error: KeyError) -> str:
        return "handled"

    client = TestClient(app)
    assert (await client.get("/handled")).status_code == 200
    if raises:
        with pytest.raises(LookupError, match="lost"):
            await client.get("/fail")
        with pytest.raises(LookupError, match="lost"):
            await listen_once(client)
    else:
        assert (await client.get("/fail")).status_code == 500
        with pytest.raises(WebsocketDisconnectError):
            await listen_once(client)


async def listen_once(client: Any) -> None:
    async with client.websocket("/ws") as connection:
        await asyncio.wait_for(connection.receive(), 10)


async def test_an_exception_of_a_websocket_reaches_the_test() -> None:
    app = make_app()
    app.testing = True

    @app.websocket("/ws")
    async def fail() -> None:
        await websocket.send("")
        raise LookupError("lost")

    async def listen() -> None:
        async with app.test_client().websocket("/ws") as connection:
            assert await connection.receive() == ""
            await connection.receive()

    with pytest.raises(LookupError, match="lost"):
        await listen()


async def test_a_test_does_not_wait_for_a_websocket_that_has_failed() -> None:
    app = Quart(__name__)
    app.testing = True

    @app.websocket("/ws")
    async def ws() -> None:
        raise LookupError("before the handshake")

    raised: list[type[Exception]] = []

    async def listen() -> None:
        async with app.test_client().websocket("/ws") as connection:
            try:
                await asyncio.wait_for(connection.receive(), 5)
            except Exception as error:
                raised.append(type(error))
                raise

    with pytest.raises(LookupError, match="before the handshake"):
        await listen()
    assert raised == [LookupError]


async def test_the_close_code_of_a_websocket(app: quart.Quart) -> None:
    @app.websocket("/ws")
    async def close() -> None:
        await websocket.accept()
        await websocket.close(4401)

    async with app.test_client().websocket("/ws") as connection:
        with pytest.raises(WebsocketDisconnectError) as closed:
            await connection.receive()
    assert closed.value.args == (4401,)


async def test_a_websocket_with_flask_arguments(app: quart.Quart) -> None:
    @app.websocket("/ws")
    async def show() -> None:
        await websocket.send(f"{websocket.url} {websocket.requested_subprotocols}")

    client: Any = app.test_client()
    async with client.websocket(
        "/ws", query_string="a=1", base_url="wss://shop.example", subprotocols=["v1"]
    ) as connection:
        assert await connection.receive() == "wss://shop.example/ws?a=1 ['v1']"


async def test_contexts_stay_readable_in_the_block() -> None:
    app = make_app()
    ended = []

    @app.get("/set")
    async def view() -> str:
        g.name = "Ada"
        session["cart"] = [1]
        return ""

    @app.teardown_request
    @app.teardown_appcontext
    async def end(_: BaseException | None) -> None:
        ended.append(1)

    async with app.test_client() as client:
        await client.get("/set?x=1")
        assert g.name == "Ada"
        assert session["cart"] == [1]
        assert request.args["x"] == "1"
        assert current_app.name == app.name
        assert url_for("view", y=2) == "/set?y=2"
        assert ended == [1, 1]
        await client.get("/echo")
        assert request.path == "/echo"
        assert not hasattr(g, "name")
    proxies: Any = (g, current_app, request)
    for proxy in proxies:
        with pytest.raises(RuntimeError):
            proxy._get_current_object()


async def test_with_instead_of_async_with_is_refused() -> None:
    app = make_app()
    client: Any = app.test_client()
    context: Any = app.app_context()
    request_context: Any = app.test_request_context("/")
    for each in (client, client.session_transaction(), context, request_context):
        with pytest.raises(TypeError, match="'async with' instead of 'with'"), each:
            pass


async def test_cookies_in_the_spelling_of_both(app: quart.Quart) -> None:
    app.add_url_rule("/cookies", "cookies", lambda: dict(request.cookies))
    client: Any = app.test_client()
    client.set_cookie("a", "1")
    client.set_cookie("b", "2", domain="localhost", path="/")
    client.set_cookie("localhost", "c", "3")
    client.set_cookie("localhost", "d", value="4")
    client.set_cookie(key="e", value="5")
    assert (await client.get("/cookies")).json == {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
    assert client.get_cookie("c").value == "3"
    assert client.get_cookie("c", path="/other") is None
    client.delete_cookie("a")
    client.delete_cookie("localhost", "b")
    assert (await client.get("/cookies")).json == {"c": "3", "d": "4", "e": "5"}


async def test_more_spellings_of_flask(app: quart.Quart) -> None:
    client: Any = app.test_client()
    response = await client.get("/echo", "https://shop.example/app")
    assert response.json["url"] == "https://shop.example/app/echo"
    response.close()


async def test_head_has_no_body() -> None:
    app = make_app()
    app.add_url_rule("/text", "text", lambda: "text")
    response: Any = await app.test_client().head("/text")
    assert response.data == b""
    assert response.headers["Content-Length"] == "4"


async def test_debug_and_propagate_raise_in_the_test_too() -> None:
    for options in ({"DEBUG": True}, {"PROPAGATE_EXCEPTIONS": True}):
        app = make_app()
        app.config.update(options)
        app.add_url_rule("/fail", "fail", lambda: str(1 / 0))
        with pytest.raises(ZeroDivisionError):
            await app.test_client().get("/fail")


async def test_a_session_transaction() -> None:
    app = make_app()
    app.add_url_rule("/name", "name", lambda: session["name"])
    client: Any = app.test_client()
    async with client.session_transaction() as opened:
        opened["name"] = "Ada"
    assert (await client.get("/name")).text == "Ada"


async def test_a_request_context_takes_the_same_arguments() -> None:
    app: Any = make_app()
    made = app.test_request_context(
        "/echo",
        method="POST",
        data={"a": ["1", "2"], "f": (BytesIO(b"x"), "x.txt")},
        base_url="https://shop.example/app",
        query_string="q=1",
    )
    async with made:
        assert (await request.form).getlist("a") == ["1", "2"]
        assert (await request.files)["f"].filename == "x.txt"
        assert request.url == "https://shop.example/app/echo?q=1"
        assert url_for("echo") == "/app/echo"
