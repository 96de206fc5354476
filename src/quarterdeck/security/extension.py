"""The extension: puts the middleware around an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from quarterdeck._networks import Networks
from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError, SecurityPolicyError

from .config import FORWARDED, PROXY_HEADERS, SECURITY_KEYS, STATE, SecurityState
from .content_security_policy import STRICT, header_value
from .middleware import SecurityMiddleware
from .nonce import csp_nonce
from .policy import Changes, Policy
from .proxies import TrustedProxies

if TYPE_CHECKING:
    from quart import Quart


class Security:
    """Strict headers on every response, and the real client behind ``TRUSTED_PROXIES``.

    ``csp_nonce()`` is known in templates.

    Args:
        app: Initialised at once if given.
        **changes: Changes of the strict policy for the whole app; see ``Changes``.

    Raises:
        SecurityPolicyError: If a directive is unknown, or a value cannot be in a header.
    """

    def __init__(self, app: Quart | None = None, **changes: Unpack[Changes]) -> None:
        self._policy = Policy(STRICT).changed(changes)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration, and wrap ``app.asgi_app``.

        Call it before other middleware wraps the app if that shall see the real client.

        Raises:
            ConfigurationError: If a key holds a value that cannot work.
            ExtensionAlreadyInitializedError: If the app has a Security.
        """
        STATE.refuse_second(app)
        config = read(app, SECURITY_KEYS)
        transport = _transport_security(config["STRICT_TRANSPORT_SECURITY"])
        middleware = SecurityMiddleware(app, self._policy, transport, _proxies(config))
        STATE.attach(app, SecurityState(self._policy, transport))
        # First of all, so that a hook that answers itself gets the headers of the view too.
        app.before_request_funcs[None].insert(0, middleware.choose_for_request)
        app.before_websocket_funcs[None].insert(0, middleware.choose_for_websocket)
        app.jinja_env.globals["csp_nonce"] = csp_nonce
        app.asgi_app = middleware  # type: ignore[method-assign]  # Quart's way to add middleware


def _transport_security(value: str) -> str:
    try:
        return header_value("STRICT_TRANSPORT_SECURITY", value)
    except SecurityPolicyError:
        raise ConfigurationError(
            "STRICT_TRANSPORT_SECURITY", f"is {value!r}", "Use printable ASCII only."
        ) from None


def _proxies(config: dict[str, Any]) -> TrustedProxies:
    try:
        networks = Networks(config["TRUSTED_PROXIES"])
    except ValueError as error:
        raise ConfigurationError(
            "TRUSTED_PROXIES", f"is {config['TRUSTED_PROXIES']!r}", f"Expected {error}."
        ) from None
    names: list[str] = config["TRUSTED_PROXY_HEADERS"]
    known = {name.lower(): name for name in PROXY_HEADERS}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        raise ConfigurationError(
            "TRUSTED_PROXY_HEADERS",
            f"holds {unknown[0]!r}",
            f"Choose of {', '.join(PROXY_HEADERS)}.",
        )
    if len(names) > 1 and FORWARDED.lower() in map(str.lower, names):
        raise ConfigurationError(
            "TRUSTED_PROXY_HEADERS",
            f"names {FORWARDED!r} and others",
            "Name only those that your proxy sets; a client could send the other ones.",
        )
    return TrustedProxies(networks, names)
