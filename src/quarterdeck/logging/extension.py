"""The extension: an id for each request, and a warning about slow ones."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

from quarterdeck._exchange import Exchange, Observer, current_exchange, observe
from quarterdeck._logs import setup
from quarterdeck._networks import VIA_PROXY, Networks
from quarterdeck._redaction import LOG_PATH, printable
from quarterdeck.config import read, text_list
from quarterdeck.exceptions import ConfigurationError

from .config import CONFIG, LEVELS, STATE, LoggingState

if TYPE_CHECKING:
    from quart import Quart

_ID = re.compile(rb"[A-Za-z0-9._:-]{8,128}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_slow = logging.getLogger("quarterdeck.requests")


class Logging:
    """Gives each request of an app an id, and logs slow ones.

    The id is in the response header ``LOG_REQUEST_ID_HEADER``, in :func:`request_id`, and in each
    log record that is written while the request is handled.

    Args:
        app: Initialise for this app at once.
    """

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Observe the requests of an app; with ``LOG_FORMAT``, set up the logs of the process.

        Raises:
            ConfigurationError: If a key has a wrong value.
            ExtensionAlreadyInitializedError: If it was called for ``app`` before.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        if not _HEADER_NAME.fullmatch(config["LOG_REQUEST_ID_HEADER"]):
            problem = f"is {config['LOG_REQUEST_ID_HEADER']!r}"
            remedy = "Name a header, such as 'X-Request-ID'."
            raise ConfigurationError("LOG_REQUEST_ID_HEADER", problem, remedy)
        _check_levels(config["LOG_LEVELS"])
        STATE.attach(app, LoggingState(config), self)
        if config["LOG_FORMAT"] is not None:
            setup(config["LOG_FORMAT"], config["LOG_LEVEL"])
        for name, level in config["LOG_LEVELS"].items():
            logging.getLogger(name).setLevel(level.upper())
        observe(app, _Requests(config, _proxies(app)))


def request_id() -> str | None:
    """Return the id of the current request or WebSocket, None outside one."""
    exchange = current_exchange()
    return None if exchange is None else exchange.request_id


def _proxies(app: Quart) -> Networks:
    names = app.config.get("TRUSTED_PROXIES") or ()
    try:
        return Networks(text_list(names))
    except ValueError as error:
        raise ConfigurationError("TRUSTED_PROXIES", f"is {names!r}", f"Expected {error}.") from None


def _check_levels(levels: dict[str, Any]) -> None:
    for name, level in levels.items():
        if str(level).upper() not in LEVELS:
            raise ConfigurationError(
                "LOG_LEVELS", f"gives '{name}' the level {level!r}", f"Use one of {LEVELS}."
            )


class _Requests(Observer):
    def __init__(self, config: dict[str, Any], proxies: Networks) -> None:
        self._proxies = proxies
        self._header = config["LOG_REQUEST_ID_HEADER"].lower().encode()
        self._trusts_all = config["LOG_TRUST_REQUEST_ID"]
        self._slow = config["LOG_SLOW_REQUEST_SECONDS"]

    def begin(self, exchange: Exchange) -> None:
        given = self._given(exchange.scope) if self._is_trusted(exchange.scope) else None
        made = os.urandom(8).hex() if given is None else given
        exchange.request_id = made
        exchange.headers.append((self._header, made.encode()))

    def end(self, exchange: Exchange, error: BaseException | None) -> None:
        seconds = exchange.seconds
        if not self._slow or seconds is None or seconds < self._slow or exchange.is_websocket:
            return
        scope = exchange.scope
        _slow.warning(
            "Slow request: %s %s (%s) took %.3f s",
            printable(exchange.method),
            scope.get(LOG_PATH) or printable(scope["path"]),
            exchange.endpoint,
            seconds,
            extra={"status": exchange.status, "duration": round(seconds, 6)},
        )

    def _is_trusted(self, scope: Any) -> bool:
        if self._trusts_all or scope.get(VIA_PROXY):
            return True
        client = scope.get("client")  # of the proxy, where 'Security' sees the request later
        return bool(self._proxies) and (client and client[0]) in self._proxies

    def _given(self, scope: Any) -> str | None:
        values = [value for name, value in scope["headers"] if name == self._header]
        if len(values) != 1 or not _ID.fullmatch(values[0]):
            return None
        return str(values[0].decode())
