"""The identity of this process, which a forked one does not share."""

from __future__ import annotations

import os
import secrets

#: The most processes of a server; a number beyond is a slip, and starting them would not end.
MAX_WORKERS = 1024

_token = secrets.token_hex(8)


def process_token() -> str:
    """Return random text that no other process has, on this machine or another.

    An object that was made before a fork, such as an app under the supervisor, must not keep a
    name of its own: each worker would have the same.
    """
    return _token


def _renew() -> None:
    global _token
    _token = secrets.token_hex(8)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
