"""Frames of clients, read as wsproto reads them, however they are cut."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong
from wsproto.extensions import PerMessageDeflate

from quarterdeck._websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from quarterdeck.serving.deflate import agree
from quarterdeck.serving.websocket_frames import FrameError, MessageReader
from tests.examples_made_up import made_up

pytestmark = pytest.mark.feature("WS2")

MIB = 2**20


def client_frame(first: int, payload: bytes, mask: bytes, width: int, *, masked: bool) -> bytes:
    """Return a frame; with a length of 2 or 8 bytes more if ``width`` says so or it needs it."""
    size, bit = len(payload), 0x80 if masked else 0
    if width == 8:
        head = struct.pack("!BBQ", first, bit | 127, size)
    elif width == 2 or size > 125:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BB", first, bit | size)
    if not masked:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


texts = st.text(max_size=40).map(str.encode)
payloads = st.one_of(texts, st.binary(max_size=130), st.just(b"x" * 300))
closes = st.builds(
    lambda code, text: code.to_bytes(2) + text,
    st.one_of(st.integers(995, 1016), st.integers(0, 5001)),
    st.one_of(texts, st.just(b"\xff")),
)
firsts = st.one_of(
    st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A]), st.integers(0, 255)
)
frames = st.builds(
    client_frame,
    firsts,
    st.one_of(payloads, closes),
    st.binary(min_size=4, max_size=4),
    st.sampled_from([0] * 20 + [2, 8]),
    masked=st.sampled_from([True] * 20 + [False]),
)


def of_wsproto(data: bytes, *, deflate: bool = False) -> list[Any]:
    """Return what wsproto finds in the bytes of a client, with messages joined."""
    extension = PerMessageDeflate()
    if deflate:
        extension.accept("permessage-deflate; client_no_context_takeover")
    connection = Connection(ConnectionType.SERVER, [extension] if deflate else [])
    connection.receive_data(data)
    found: list[Any] = []
    parts: list[Any] = []
    for event in connection.events():
        if isinstance(event, Message):
            parts.append(event.data)
            if event.message_finished:
                is_binary = isinstance(event, BytesMessage)
                whole = b"".join(map(bytes, parts)) if is_binary else "".join(parts)
                found.append((BINARY if is_binary else TEXT, whole))
                parts = []
        elif isinstance(event, Ping | Pong):
            found.append((PING if isinstance(event, Ping) else PONG, bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            # wsproto gives an error of its own as a close, with a text of its own.
            found.append((CLOSE, int(event.code)))
            break
    return found


def of_ours(data: bytes, cuts: list[int], *, deflate: bool = False) -> list[Any]:
    agreed = agree(["permessage-deflate"]) if deflate else None
    reader = MessageReader(MIB, agreed[1] if agreed else None)
    found: list[Any] = []
    ends = sorted({cut for cut in cuts if cut < len(data)} | {len(data)})
    begin = 0
    for end in ends:
        reader.feed(data[begin:end])
        begin = end
        try:
            while (frame := reader.next()) is not None:
                opcode, content = frame
                if opcode == CLOSE:
                    return [*found, (CLOSE, content[0])]
                if opcode != CONTINUATION:
                    found.append((opcode, content))
        except FrameError as error:
            return [*found, (CLOSE, error.code)]
    return found


@made_up(400)
@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 700), max_size=8))
@example([b"\x01\x80" + bytes(4), b"\x00\x82" + bytes(4) + b"\xc3\xa5", b"\x80\x80" + bytes(4)], [])
@example([b"\x88\x82" + bytes(4) + b"\x03\xe8", b"\x81\x80" + bytes(4)], [3])
def test_any_frames_mean_the_same_to_wsproto(sent: list[bytes], cuts: list[int]) -> None:
    data = b"".join(sent)
    theirs, ours = of_wsproto(data), of_ours(data, cuts)
    if ours != theirs:
        # wsproto judges the text of a frame that is not whole; ours waits for the rest of it.
        assert theirs[: len(ours)] == ours
        assert theirs[len(ours) :] == [(CLOSE, 1007)]


def deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


@made_up(200)
@given(st.lists(st.tuples(st.text(max_size=300), st.integers(1, 5)), max_size=4), st.binary())
def test_compressed_fragments_mean_the_same_to_wsproto(
    messages: list[tuple[str, int]], noise: bytes
) -> None:
    data = b""
    for text, count in messages:
        packed = deflated(text.encode())
        size = len(packed) // count + 1
        parts = [packed[at : at + size] for at in range(0, len(packed), size)] or [b""]
        for number, part in enumerate(parts):
            first = (0x41 if number == 0 else 0) | (0x80 if number == len(parts) - 1 else 0)
            data += client_frame(first, part, b"\x01\x02\x03\x04", 0, masked=True)
    data += client_frame(0xC1, noise[:100], bytes(4), 0, masked=True)
    theirs, ours = of_wsproto(data, deflate=True), of_ours(data, [7, 50], deflate=True)
    assert ours[: len(messages)] == [(TEXT, text) for text, _ in messages]
    assert ours == theirs


@pytest.mark.parametrize(
    ("size", "fragments"), [(MIB, 1), (MIB, 7)], ids=["one frame", "fragments"]
)
def test_the_largest_message_is_read_and_a_byte_more_is_not(size: int, fragments: int) -> None:
    assert large(size, size, fragments)[-1] == (BINARY, b"x" * size)
    with pytest.raises(FrameError) as refused:
        large(size, size + 1, fragments)
    assert refused.value.code == 1009


def large(max_size: int, size: int, fragments: int) -> list[Any]:
    reader = MessageReader(max_size)
    found = []
    for number in range(fragments):
        part = size // fragments + (size % fragments if number == 0 else 0)
        first = (0x02 if number == 0 else 0) | (0x80 if number == fragments - 1 else 0)
        reader.feed(client_frame(first, b"x" * part, bytes(4), 8, masked=True))
        while (frame := reader.next()) is not None:
            found.append(frame)
    return found
