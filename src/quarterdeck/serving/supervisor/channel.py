"""Messages between the supervisor and a process that it started.

A socket pair carries lines of JSON. Its end says that the process on the other side is gone,
however that happened, so no process outlives the supervisor and no dead worker stays unnoticed.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

Message = dict[str, Any]
_READ = 65536


class Channel:
    """One end of a socket pair.

    Args:
        sock: It is made non-blocking.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.files: list[int] = []
        self._rest = b""

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """Return an end for this process and one to hand to another process."""
        here, there = socket.socketpair()
        there.set_inheritable(True)
        return cls(here), there

    def fileno(self) -> int:
        return self.sock.fileno()

    def send(self, kind: str, *, files: Sequence[int] = (), **details: Any) -> None:
        """Send a message; nothing happens if the other side is gone or does not read."""
        line = json.dumps({"kind": kind, **details}).encode() + b"\n"
        with suppress(OSError):
            if files:
                socket.send_fds(self.sock, [line], list(files))
            else:
                self.sock.sendall(line)

    def receive(self) -> list[Message] | None:
        """Return the messages that have arrived, None once the other side is gone.

        File descriptors that came with them are in ``files``, in order.
        """
        try:
            data, files, _flags, _address = socket.recv_fds(self.sock, _READ, 16)
        except BlockingIOError:
            return []
        except OSError:
            data, files = b"", []
        self.files += files
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [message for line in lines for message in _decoded(line)]

    def close(self) -> None:
        self.sock.close()


def _decoded(line: bytes) -> list[Message]:
    try:
        return [json.loads(line)]
    except ValueError:  # cut off: this side did not read for hours, and the buffer was full
        return []
