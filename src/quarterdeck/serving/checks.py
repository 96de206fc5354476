"""Rules for the server, for ``quarterdeck check``. They look at a ``Config`` of this room."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from quarterdeck._findings import Problem, Severity, Target, rule
from quarterdeck._state import states_of

from .config import Config

MIB = 2**20
MAX_HEAD = 65_536
MAX_MESSAGE = 16 * MIB


@rule(
    "QD601",
    Severity.ERROR,
    "Several workers cannot serve an app that keeps data in the memory of one.",
    deploy=False,
)
def single_process(target: Target) -> Iterator[Problem]:
    if target.workers == 1:
        return
    for state in states_of(target.app):
        if found := getattr(state, "single_process", None):
            setting, remedy = found
            problem = f"keeps data in the memory of one process, and {target.workers} will serve"
            yield Problem(setting, problem, f"{remedy}, or serve with one worker.")


@rule("QD602", Severity.WARNING, "The server listens on the network without TLS.")
def plain_http(target: Target) -> Iterator[Problem]:
    config = target.server
    if config is None or config.ssl_enabled:
        return
    for address in config.bind:
        host = address.rpartition(":")[0].strip("[]")
        if not address.startswith(("unix:", "fd://")) and not _is_loopback(host):
            problem = f"is {address!r} without TLS: passwords cross the network in plain text"
            remedy = "Bind to 127.0.0.1 behind a proxy with TLS, or set 'certfile' and 'keyfile'."
            yield Problem("bind", problem, remedy)


def _unlimited(key: str, problem: str) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if target.server is not None and not getattr(target.server, key):
            yield Problem(key, f"is unlimited: {problem}", "Set seconds in hypercorn.toml.")

    return find


def _large(key: str, most: int, problem: str) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if target.server is not None and getattr(target.server, key) > most:
            yield Problem(key, f"is over {most} bytes: {problem}", "Lower it.")

    return find


def _on(key: str, problem: str) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if target.server is not None and getattr(target.server, key):
            yield Problem(key, f"is on: {problem}", "Set it to false in hypercorn.toml.")

    return find


reading = rule(
    "QD603", Severity.ERROR, "`read_timeout` is unlimited: slow clients hold connections."
)(_unlimited("read_timeout", "slow clients hold connections"))
writing = rule(
    "QD604", Severity.ERROR, "`write_timeout` is unlimited: clients that do not read hold memory."
)(_unlimited("write_timeout", "clients that do not read hold memory"))


@rule("QD605", Severity.WARNING, "`keep_alive_timeout` is over 10 minutes.")
def idle(target: Target) -> Iterator[Problem]:
    if target.server is not None and target.server.keep_alive_timeout > 600:
        problem = "is over 10 minutes: idle clients hold connections"
        yield Problem("keep_alive_timeout", problem, "Lower it.")


pings = rule(
    "QD606",
    Severity.WARNING,
    "`websocket_ping_interval` is off: clients that vanish stay connected.",
)(_unlimited("websocket_ping_interval", "clients that vanish stay connected"))
head = rule("QD607", Severity.WARNING, "`h11_max_incomplete_size` is over 64 KiB.")(
    _large("h11_max_incomplete_size", MAX_HEAD, "headers take much memory")
)
messages = rule("QD608", Severity.WARNING, "`websocket_max_message_size` is over 16 MiB.")(
    _large("websocket_max_message_size", MAX_MESSAGE, "messages take much memory")
)
cleartext = rule(
    "QD609", Severity.WARNING, "`http2_cleartext` is on: proxies can be bypassed by an upgrade."
)(_on("http2_cleartext", "an upgrade to h2c can bypass the rules of a proxy"))
header = rule("QD610", Severity.INFO, "`include_server_header` is on: responses name the server.")(
    _on("include_server_header", "responses name the server")
)


@rule("QD611", Severity.ERROR, "Other users of the machine can read the private key of the server.")
async def key_file(target: Target) -> AsyncIterator[Problem]:
    name = None if target.server is None else target.server.keyfile
    if name is not None and await asyncio.to_thread(_is_open_to_others, Path(name)):
        problem = f"is {name!r}, which other users of the machine can read"
        yield Problem("keyfile", problem, "Run 'chmod o= FILE' on it.")


@rule("QD612", Severity.INFO, "There is no access log.")
def access_log(target: Target) -> Iterator[Problem]:
    if target.server is not None and not target.server.accesslog:
        yield Problem("accesslog", "is not set: requests leave no trace", "Set it to '-'.")


@rule("QD613", Severity.WARNING, "`graceful_timeout` is 0: a stop cancels the requests under way.")
def graceful(target: Target) -> Iterator[Problem]:
    if target.server is not None and target.server.graceful_timeout <= 0:
        problem = "is 0: a stop or a restart cancels the requests under way"
        yield Problem("graceful_timeout", problem, f"Set it to {Config.graceful_timeout:g}.")


def _is_open_to_others(path: Path) -> bool:
    return os.name != "nt" and path.exists() and bool(path.stat().st_mode & 0o007)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


RULES = (
    single_process, plain_http, reading, writing, idle, pings, head, messages, cleartext, header,
    key_file, access_log, graceful,
)  # fmt: skip
