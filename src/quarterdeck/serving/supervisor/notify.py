"""The protocol of systemd: readiness, watchdog, and sockets that it has opened.

See ``sd_notify(3)`` and ``sd_listen_fds(3)``.
"""

from __future__ import annotations

import os
import socket
from time import CLOCK_MONOTONIC, clock_gettime_ns

_FIRST = 3  # the first inherited file descriptor


class Notifier:
    """Tells systemd about the state of the service; does nothing without ``NOTIFY_SOCKET``."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        usec = os.environ.get("WATCHDOG_USEC", "")
        owner = os.environ.get("WATCHDOG_PID", str(os.getpid()))
        #: Seconds between two signs of life, half of the time that systemd waits.
        self.interval = int(usec) / 2e6 if usec and owner == str(os.getpid()) else None

    def ready(self) -> None:
        self._send("READY=1")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(text.encode(), address)
            except OSError:  # the service goes on without its manager
                return


def inherited_sockets() -> list[socket.socket]:
    """Return the listening sockets that systemd passed to this process, and forget them."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return []
    count = int(os.environ.pop("LISTEN_FDS", "0"))
    os.environ.pop("LISTEN_FDNAMES", None)
    found = [socket.socket(fileno=number) for number in range(_FIRST, _FIRST + count)]
    for sock in found:
        sock.setblocking(False)
    return found
