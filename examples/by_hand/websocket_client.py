"""WebSocket by hand: the handshake and the frames of RFC 6455 over a plain socket.

python examples/by_hand/websocket_client.py ws://127.0.0.1:8000/ws/echo hello
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from base64 import b64encode
from hashlib import sha1
from io import BufferedRWPair
from urllib.parse import urlsplit

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


def accept_value(key: bytes) -> bytes:
    """Return the accept value that proves that the server has read this key."""
    return b64encode(sha1(key + GUID, usedforsecurity=False).digest())


def handshake(stream: BufferedRWPair, host: str, path: str) -> None:
    """Ask for a WebSocket, and check that the answer is one."""
    key = b64encode(os.urandom(16))
    stream.write(
        b"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"
        % (path.encode(), host.encode(), key)
    )
    stream.flush()
    status = stream.readline()
    if b" 101 " not in status:
        raise ConnectionError(f"No WebSocket: {status.decode().strip()}")
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    if headers.get(b"sec-websocket-accept") != accept_value(key):
        raise ConnectionError("The accept value is not that of our key.")


def xor(data: bytes, mask: bytes) -> bytes:
    """Mask or unmask: both are the same."""
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def frame(opcode: int, payload: bytes) -> bytes:
    """Return one whole message as a client must send it: masked with a key of its own."""
    mask, size = os.urandom(4), len(payload)
    if size <= 125:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 2**16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + mask + xor(payload, mask)


def read_frame(stream: BufferedRWPair) -> tuple[int, bytes]:
    """Return the opcode and payload of one frame, which a server sends without a mask."""
    first, size = stream.read(2)
    if size == 126:
        (size,) = struct.unpack("!H", stream.read(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", stream.read(8))
    return first & 0x0F, stream.read(size)


def read_message(stream: BufferedRWPair) -> tuple[int, bytes]:
    """Return the next frame that is not a ping; pings are answered, to show that we are here."""
    while True:
        opcode, payload = read_frame(stream)
        if opcode != PING:
            return opcode, payload
        stream.write(frame(PONG, payload))
        stream.flush()


def main(url: str, text: str) -> None:
    """Send a text and print the reply."""
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    with socket.create_connection(address, 10) as connection:
        stream = connection.makefile("rwb")
        handshake(stream, parts.netloc, parts.path or "/")
        stream.write(frame(TEXT, text.encode()))
        stream.flush()
        _, answer = read_message(stream)
        print(answer.decode())
        stream.write(frame(CLOSE, struct.pack("!H", 1000)))
        stream.flush()
        opcode, code = read_message(stream)
        print("closed with", struct.unpack("!H", code)[0] if opcode == CLOSE else "nothing")


if __name__ == "__main__":
    main(*sys.argv[1:])
