"""The configuration keys of CSRF protection, and its state for one app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quart import current_app

from quarterdeck._quart import unwrap
from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, boolean, read, seconds, text, text_list, type_name
from quarterdeck.exceptions import ConfigurationError

from .checks import RULES
from .origin import Origin

if TYPE_CHECKING:
    from quart import Quart

_PREFIX_ENDS = "-_;:/."  # what WTForms puts between the prefix of a form and a field's name


@type_name("number or `timedelta`, at least 1")
def _time_limit(raw: Any) -> int | None:
    if raw is None:
        return None
    limit = int(seconds(raw))
    if not limit:
        raise ValueError("a number of seconds of at least 1, or None for no limit")
    return limit


@type_name("list of text, or text with commas")
def _methods(raw: Any) -> frozenset[str]:
    return frozenset(method.upper() for method in text_list(raw))


@type_name("list of text, or text with commas")
def _origins(raw: Any) -> frozenset[Origin]:
    origins = {Origin.parse(item) for item in text_list(raw)}
    if None in origins:
        raise ValueError("origins such as 'https://www.example.com'")
    return frozenset(origin for origin in origins if origin is not None)


CONFIG = (
    ConfigKey(
        "WTF_CSRF_ENABLED",
        True,
        boolean,
        "Whether requests are checked and forms carry a token. The key is read at each "
        "request, so tests can switch it.",
    ),
    ConfigKey(
        "WTF_CSRF_CHECK_DEFAULT",
        True,
        boolean,
        "Whether every request is checked. If false, call `await csrf.protect()` in the views "
        "that need it.",
    ),
    ConfigKey(
        "WTF_CSRF_METHODS",
        ("POST", "PUT", "PATCH", "DELETE"),
        _methods,
        "The HTTP methods that are checked.",
    ),
    ConfigKey(
        "WTF_CSRF_FIELD_NAME",
        "csrf_token",
        text,
        "Name of the hidden form field.",
    ),
    ConfigKey(
        "WTF_CSRF_HEADERS",
        ("X-CSRFToken", "X-CSRF-Token"),
        text_list,
        "Headers that may carry the token instead of the form field.",
    ),
    ConfigKey(
        "WTF_CSRF_META_NAME",
        "csrf-token",
        text,
        "Name of the `<meta>` element that `csrf_meta_tag()` writes.",
    ),
    ConfigKey(
        "WTF_CSRF_TIME_LIMIT",
        3600,
        _time_limit,
        "The age at which a token expires. None lets it live as long as the browser session.",
        unit="seconds",
    ),
    ConfigKey(
        "WTF_CSRF_SSL_STRICT",
        True,
        boolean,
        "Whether a request over https needs an `Origin` or `Referer` header of the same "
        "origin. A WebSocket over TLS then needs a page served over https.",
    ),
    ConfigKey(
        "WTF_CSRF_SECRET_KEY",
        None,
        text,
        "The key that signs the tokens. None uses `SECRET_KEY`, and accepts tokens signed "
        "with `SECRET_KEY_FALLBACKS`.",
        secret=True,
    ),
    ConfigKey(
        "WTF_I18N_ENABLED",
        True,
        boolean,
        "Whether messages of WTForms are translated into the languages below.",
    ),
    ConfigKey(
        "WTF_I18N_LANGUAGES",
        (),
        text_list,
        "The languages of the app, such as `en, de`. Messages of WTForms are in the one that the "
        "browser prefers. Without a language they are in English.",
    ),
    ConfigKey(
        "WTF_CSRF_TRUSTED_ORIGINS",
        (),
        _origins,
        "Other origins that may send requests and open WebSockets, such as "
        "`https://app.example.com`.",
    ),
    ConfigKey(
        "WTF_CSRF_WEBSOCKET_ORIGIN_REQUIRED",
        False,
        boolean,
        "Whether WebSocket clients without an `Origin` header are refused. Browsers always "
        "send one, other programs usually do not.",
    ),
)


@dataclass(frozen=True, slots=True)
class CSRFSettings:
    """The checked values of one app."""

    rules = RULES  # of 'quarterdeck check'

    check_default: bool
    methods: frozenset[str]
    field_name: str
    headers: tuple[str, ...]
    meta_name: str
    languages: tuple[str, ...]
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
            meta_name=values["WTF_CSRF_META_NAME"],
            languages=tuple(values["WTF_I18N_LANGUAGES"] if values["WTF_I18N_ENABLED"] else ()),
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
    app: Quart = unwrap(current_app)
    if STATE.key in app.extensions:
        return STATE.get(app)
    return CSRFSettings.from_app(app)


def is_token_field(name: str, field_name: str) -> bool:
    """Whether a field of a form, with or without a prefix, is the one of the token."""
    if name == field_name:
        return True
    return name.endswith(field_name) and name[-len(field_name) - 1] in _PREFIX_ENDS


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
