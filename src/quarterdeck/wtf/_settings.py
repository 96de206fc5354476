"""The configuration keys of CSRF protection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quart import current_app

from quarterdeck._config import ConfigKey, boolean, read, seconds, text, text_list
from quarterdeck._state import ExtensionState
from quarterdeck.exceptions import ConfigurationError

from .origin import Origin

if TYPE_CHECKING:
    from quart import Quart


def _time_limit(raw: Any) -> int | None:
    if raw is None:
        return None
    limit = int(seconds(raw))
    if not limit:
        raise ValueError("a number of seconds of at least 1, or None for no limit")
    return limit


def _methods(raw: Any) -> frozenset[str]:
    return frozenset(method.upper() for method in text_list(raw))


def _origins(raw: Any) -> frozenset[Origin]:
    origins = {Origin.parse(item) for item in text_list(raw)}
    if None in origins:
        raise ValueError("origins such as 'https://www.example.com'")
    return frozenset(origin for origin in origins if origin is not None)


CONFIG = (
    ConfigKey("WTF_CSRF_ENABLED", True, boolean, "Check requests and give forms a token."),
    ConfigKey("WTF_CSRF_CHECK_DEFAULT", True, boolean, "Check every request unasked."),
    ConfigKey(
        "WTF_CSRF_METHODS",
        ("POST", "PUT", "PATCH", "DELETE"),
        _methods,
        "Methods that are checked.",
    ),
    ConfigKey("WTF_CSRF_FIELD_NAME", "csrf_token", text, "Name of the hidden form field."),
    ConfigKey(
        "WTF_CSRF_HEADERS", ("X-CSRFToken", "X-CSRF-Token"), text_list, "Headers with the token."
    ),
    ConfigKey(
        "WTF_CSRF_TIME_LIMIT", 3600, _time_limit, "Age in seconds of a token; None for the session."
    ),
    ConfigKey(
        "WTF_CSRF_SSL_STRICT", True, boolean, "Over https, require a referrer of the same origin."
    ),
    ConfigKey("WTF_CSRF_SECRET_KEY", None, text, "Signs the tokens; None for SECRET_KEY."),
    ConfigKey(
        "WTF_CSRF_TRUSTED_ORIGINS", (), _origins, "Other origins that may send, with scheme."
    ),
    ConfigKey(
        "WTF_CSRF_WEBSOCKET_ORIGIN_REQUIRED",
        False,
        boolean,
        "Refuse WebSocket clients that send no Origin (those that are no browsers).",
    ),
)


@dataclass(frozen=True, slots=True)
class CSRFSettings:
    """The checked values of one app."""

    check_default: bool
    methods: frozenset[str]
    field_name: str
    headers: tuple[str, ...]
    time_limit: int | None
    ssl_strict: bool
    secret_key: str | None
    trusted_origins: frozenset[Origin]
    websocket_origin_required: bool

    @classmethod
    def from_app(cls, app: Quart) -> CSRFSettings:
        """Read and check the keys."""
        values = read(app, CONFIG)
        return cls(
            check_default=values["WTF_CSRF_CHECK_DEFAULT"],
            methods=values["WTF_CSRF_METHODS"],
            field_name=values["WTF_CSRF_FIELD_NAME"],
            headers=tuple(values["WTF_CSRF_HEADERS"]),
            time_limit=values["WTF_CSRF_TIME_LIMIT"],
            ssl_strict=values["WTF_CSRF_SSL_STRICT"],
            secret_key=values["WTF_CSRF_SECRET_KEY"],
            trusted_origins=values["WTF_CSRF_TRUSTED_ORIGINS"],
            websocket_origin_required=values["WTF_CSRF_WEBSOCKET_ORIGIN_REQUIRED"],
        )


STATE: ExtensionState[CSRFSettings] = ExtensionState("csrf", "CSRFProtect")


def csrf_enabled(app: Quart | None = None) -> bool:
    """Whether CSRF protection is on; read each time, so that a test can switch it."""
    return boolean((app or current_app).config.get("WTF_CSRF_ENABLED", True))


def settings() -> CSRFSettings:
    """The settings of the current app; forms have them without CSRFProtect too."""
    app: Quart = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
    if STATE.key in app.extensions:
        return STATE.get(app)
    return CSRFSettings.from_app(app)


def signing_keys(app: Quart, secret_key: str | None) -> list[str]:
    """The keys that tokens are signed with, the newest last.

    Raises:
        ConfigurationError: If there is no key.
    """
    if secret_key:
        return [secret_key]
    if not app.secret_key:
        raise ConfigurationError(
            "SECRET_KEY", "is not set, so CSRF tokens cannot be signed", "Set it to a random text."
        )
    return [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
