"""Thousands of made-up bodies: no crash, nothing lost without a word."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from quart import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from quarterdeck.app import Quart
from quarterdeck.app.body import Body
from quarterdeck.app.formparser import FormDataParser
from tests.examples_made_up import made_up

many = made_up(400)
some = made_up(150)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
names = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters='"\\%\x85'),
    min_size=1,
    max_size=15,
).filter(lambda name: name.strip() == name)
cuts = st.lists(st.integers(1, 60), max_size=8)

BOUNDARY = "q8Zt0x"
MULTIPART = ("multipart/form-data", {"boundary": BOUNDARY})
URLENCODED: tuple[str, dict[str, str]] = ("application/x-www-form-urlencoded", {})


def in_pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut the data at the given sizes; the last piece is the rest."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def parse(kind: tuple[str, dict[str, str]], data: bytes, sizes: list[int]) -> tuple[Any, Any]:
    """Have the parser read the data as it would come from a server."""
    pieces = in_pieces(data, sizes)

    async def receive() -> Any:
        return {"body": pieces.pop(0), "more_body": bool(pieces), "type": "http.request"}

    async def run() -> tuple[Any, Any]:
        body = Body(None, None)
        body.connect(receive, lambda: None)
        parser = FormDataParser(
            cls=MultiDict, max_form_memory_size=100_000, max_form_parts=50, silent=False
        )
        form, files = await parser.parse(body, kind[0], None, kind[1])
        contents = []
        for name, file in files.items(multi=True):
            contents.append((name, file.filename, file.read()))
            file.close()
        return form, contents

    return asyncio.run(run())


def by_name(pairs: list[tuple[Any, ...]]) -> dict[Any, list[Any]]:
    grouped: dict[Any, list[Any]] = {}
    for name, *value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


# --- urlencoded -----------------------------------------------------------------------


@pytest.mark.hazard("malformed forms give 200 with a silently empty form")
@many
@given(st.lists(st.tuples(texts, texts), max_size=20), cuts)
def test_an_urlencoded_form_comes_back_whole(
    pairs: list[tuple[str, str]], sizes: list[int]
) -> None:
    form, _ = parse(URLENCODED, urlencode(pairs).encode(), sizes)
    assert by_name(list(form.items(multi=True))) == by_name(pairs)


@many
@given(st.binary(max_size=80) | st.text("ab=&%0cf3+;", max_size=40).map(str.encode), cuts)
@example(b"a=%", [])
@example(b"&&=&", [])
def test_any_bytes_are_a_whole_urlencoded_form_or_refused(data: bytes, sizes: list[int]) -> None:
    try:
        form, _ = parse(URLENCODED, data, sizes)
    except (BadRequest, RequestEntityTooLarge):
        return
    assert len(list(form.items(multi=True))) == len([part for part in data.split(b"&") if part])


# --- multipart ------------------------------------------------------------------------

tricky = st.sampled_from(
    [b"\r\n--", b"\r\n--" + BOUNDARY[:-1].encode(), b"--", b"\r", b"\n", b"\r\n", b"\r\n\r\n"]
)
contents = st.lists(st.binary(max_size=30) | tricky, max_size=6).map(b"".join)


def encode(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    """Write parts as browsers do."""
    out = []
    for name, filename, content in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if filename is not None:
            head += f'; filename="{filename}"'
        out.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")
    return b"".join(out) + f"--{BOUNDARY}--\r\n".encode()


parts = st.lists(
    st.tuples(names, st.just(None), texts.map(str.encode))
    | st.tuples(names, names.filter(lambda name: "/" not in name and name.strip(".")), contents),
    max_size=6,
).filter(lambda parts: all(BOUNDARY.encode() not in content for *_, content in parts))


@pytest.mark.hazard("malformed or truncated multipart gives 200 with a partial form")
@many
@given(parts, cuts)
def test_a_multipart_form_comes_back_whole(
    parts: list[tuple[str, str | None, bytes]], sizes: list[int]
) -> None:
    form, files = parse(MULTIPART, encode(parts), sizes)
    sent_fields = [(name, content.decode()) for name, file, content in parts if file is None]
    sent_files = [(name, file, content) for name, file, content in parts if file is not None]
    assert by_name(list(form.items(multi=True))) == by_name(sent_fields)
    assert by_name(files) == by_name(sent_files)


@many
@given(parts, st.integers(0), cuts)
def test_a_truncated_multipart_form_is_refused(
    parts: list[tuple[str, str | None, bytes]], end: int, sizes: list[int]
) -> None:
    data = encode(parts)
    data = data[: end % (len(data) - 2)]  # without its line break the last boundary is still one
    with pytest.raises(BadRequest):
        parse(MULTIPART, data, sizes)


@many
@given(parts, st.lists(st.tuples(st.integers(0), st.binary(max_size=4)), min_size=1), cuts)
def test_a_damaged_multipart_form_is_read_or_refused(
    parts: list[tuple[str, str | None, bytes]], damage: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    data = encode(parts)
    for place, bytes_ in damage:
        place %= len(data)
        data = data[:place] + bytes_ + data[place + len(bytes_) :]
    try:
        parse(MULTIPART, data, sizes)
    except (BadRequest, RequestEntityTooLarge):
        return


# --- JSON -----------------------------------------------------------------------------

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@many
@given(documents)
def test_a_json_document_goes_out_and_comes_back(document: Any) -> None:
    provider = Quart(__name__).json
    assert provider.loads(provider.dumps(document)) == document
    assert json.loads(provider.dumps(document)) == document
    assert provider.loads(json.dumps(document)) == document


def _refuse(word: str) -> Any:
    raise ValueError(word)


@many
@given(
    st.binary(max_size=40)
    | st.text('[]{}",:0123456789.eE-+ \\untrfalsd', max_size=30).map(str.encode)
)
def test_what_is_read_as_json_is_json(data: bytes) -> None:
    try:
        got = Quart(__name__).json.loads(data)
    except ValueError:
        return
    assert got == json.loads(data, parse_constant=_refuse)


# --- through the app ------------------------------------------------------------------


def post(path: str, data: bytes, content_type: str) -> int:
    app = Quart(__name__)

    @app.post("/form")
    async def form() -> Any:
        return {"fields": await request.form, "files": list(await request.files)}

    @app.post("/json")
    async def read_json() -> Any:
        return {"got": await request.get_json(force=True)}

    @app.post("/text")
    async def text() -> Any:
        return await request.get_data(as_text=True)

    async def run() -> int:
        headers = {"Content-Type": content_type}
        response = await app.test_client().post(path, data=data, headers=headers)
        return int(response.status_code)

    return asyncio.run(run())


content_types = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        f"multipart/form-data; boundary={BOUNDARY}",
        "multipart/form-data",
        'multipart/form-data; boundary="ä"',
        "application/json",
        "text/plain",
        "",
        ";;;",
    ]
)


@some
@given(st.sampled_from(["/form", "/json", "/text"]), st.binary(max_size=200), content_types)
def test_no_body_makes_a_server_error(path: str, data: bytes, content_type: str) -> None:
    assert post(path, data, content_type) in {200, 400, 413}


@some
@given(parts, content_types)
def test_no_form_of_another_type_makes_a_server_error(
    parts: list[tuple[str, str | None, bytes]], content_type: str
) -> None:
    assert post("/form", encode(parts), content_type) in {200, 400, 413}


targets = st.text(
    st.sampled_from("/.%?#&=a0:@\\ \0é") | st.characters(exclude_categories=["Cs"]), max_size=20
)


@some
@given(targets)
@example("")
@example("//")
@example("http://[")
def test_no_target_makes_a_server_error(path: str) -> None:
    app = Quart(__name__)
    app.add_url_rule("/<path:anything>", "view", lambda anything: "ok")

    async def run() -> int:
        connection: Any = app.test_client().request("/")
        connection.scope["path"] = path
        async with connection:
            await connection.send_complete()
        return int(connection.status_code)

    assert asyncio.run(run()) in {200, 308, 400, 404, 405}
