"""The configuration keys of sign-in, and its state for one app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, boolean, integer, seconds, text, type_name

from .checks import RULES

if TYPE_CHECKING:
    from .extension import LoginManager
    from .hashing import PasswordHasher

LOGIN_MESSAGE = "Sign in to see this page."
LOGIN_MESSAGE_CATEGORY = "info"
REFRESH_MESSAGE = "Enter your password again to see this page."
REFRESH_MESSAGE_CATEGORY = "info"
DEFAULT_PROTECTION = "basic"


@type_name("'basic', 'strong' or None")
def protection(raw: Any) -> str | None:
    if raw in {None, "", "none"}:
        return None
    if raw not in {"basic", "strong"}:
        raise ValueError("'basic', 'strong' or None")
    return str(raw)


@type_name("'cookie' or 'session'")
def _remember_by(raw: Any) -> str:
    if raw not in {"cookie", "session"}:
        raise ValueError("'cookie' or 'session'")
    return str(raw)


@type_name("'Lax', 'Strict' or 'None'")
def _samesite(raw: Any) -> str | None:
    if raw not in {None, "Lax", "Strict", "None"}:
        raise ValueError("'Lax', 'Strict' or 'None'")
    return None if raw is None else str(raw)


CONFIG = (
    ConfigKey(
        "LOGIN_VIEW",
        None,
        text,
        "Endpoint or path of the sign-in page; the attribute `login_view` overrides it. "
        "Without a sign-in page, anonymous visitors get 401.",
    ),
    ConfigKey(
        "LOGIN_MESSAGE",
        LOGIN_MESSAGE,
        text,
        "The message flashed when a visitor is redirected to the sign-in page. An empty text "
        "flashes nothing.",
    ),
    ConfigKey(
        "LOGIN_FORM_MESSAGE",
        "You were signed out, so nothing was changed. Sign in, then try again.",
        text,
        "The same for a visitor who sent a form.",
    ),
    ConfigKey(
        "LOGIN_MESSAGE_CATEGORY",
        LOGIN_MESSAGE_CATEGORY,
        text,
        "The category of both messages.",
    ),
    ConfigKey(
        "LOGIN_REQUIRED_BY_DEFAULT",
        False,
        boolean,
        "Whether a view without an access decorator requires sign-in.",
    ),
    ConfigKey(
        "LOGIN_REDIRECT_PAGES_ONLY",
        False,
        boolean,
        "Whether only browsers that load a page (`Accept: text/html`) are redirected to the "
        "sign-in page, and all others get 401. Scripts of a browser always get 401.",
    ),
    ConfigKey(
        "LOGIN_DISABLED",
        False,
        boolean,
        "Whether all access decorators are ignored. For tests only; read at each request.",
    ),
    ConfigKey(
        "LOGIN_REMEMBER_BY",
        "cookie",
        _remember_by,
        "How `login_user(remember=True)` outlives the browser: `cookie` is the signed remember "
        "cookie below, `session` makes the browser session permanent.",
    ),
    ConfigKey(
        "SESSION_PROTECTION",
        DEFAULT_PROTECTION,
        protection,
        "If a browser session comes from another address or browser than at sign-in: `basic` "
        "makes it not fresh, `strong` ends it unless it is permanent.",
    ),
    ConfigKey(
        "USE_SESSION_FOR_NEXT",
        False,
        boolean,
        "Whether the page to return to after sign-in is kept in the browser session (`next`), "
        "instead of the address.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_NAME",
        "remember_token",
        text,
        "Name of the remember cookie.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_DURATION",
        365 * 24 * 3600,
        seconds,
        "How long the remember cookie is valid.",
        unit="seconds",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_DOMAIN",
        None,
        text,
        "Domain of the remember cookie. None is the host that sets it.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_PATH",
        "/",
        text,
        "Path of the remember cookie.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_SECURE",
        None,
        boolean,
        "Whether the remember cookie is sent over https only. None is the value of "
        "`SESSION_COOKIE_SECURE`.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_HTTPONLY",
        True,
        boolean,
        "Whether scripts cannot read the remember cookie.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_SAMESITE",
        "Lax",
        _samesite,
        "The `SameSite` attribute of the remember cookie.",
    ),
    ConfigKey(
        "REMEMBER_COOKIE_REFRESH_EACH_REQUEST",
        False,
        boolean,
        "Whether each response extends the remember cookie.",
    ),
    ConfigKey(
        "LOGIN_HASH_WORKERS",
        2,
        integer(1),
        "The most password hashes computed at the same time. Each takes "
        "`LOGIN_HASH_MEMORY_COST` of memory.",
        unit="threads",
    ),
    ConfigKey(
        "LOGIN_HASH_MAX_WAITING",
        16,
        integer(0),
        "The most requests that wait for a password hash. Further ones are answered with 503 and "
        "`Retry-After`.",
        unit="requests",
    ),
    ConfigKey(
        "LOGIN_HASH_TIME_COST",
        3,
        integer(1),
        "Argon2's passes over the memory. Lower it in tests only.",
        unit="passes",
    ),
    ConfigKey(
        "LOGIN_HASH_MEMORY_COST",
        65536,
        integer(64),
        "The memory of one Argon2 hash. Lower it in tests only.",
        unit="KiB",
    ),
)


@dataclass(frozen=True, slots=True)
class RememberCookie:
    """The attributes of the remember cookie; ``secure`` is None for that of the session."""

    name: str
    seconds: float
    domain: str | None
    path: str
    secure: bool | None
    httponly: bool
    samesite: str | None
    refresh_each_request: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> RememberCookie:
        """Take the values from checked configuration."""
        return cls(
            name=config["REMEMBER_COOKIE_NAME"],
            seconds=config["REMEMBER_COOKIE_DURATION"],
            domain=config["REMEMBER_COOKIE_DOMAIN"],
            path=config["REMEMBER_COOKIE_PATH"],
            secure=config["REMEMBER_COOKIE_SECURE"],
            httponly=config["REMEMBER_COOKIE_HTTPONLY"],
            samesite=config["REMEMBER_COOKIE_SAMESITE"],
            refresh_each_request=config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"],
        )


@dataclass(frozen=True, slots=True)
class LoginState:
    """The checked configuration of one app."""

    rules = RULES  # of 'quarterdeck check'

    manager: LoginManager
    hasher: PasswordHasher
    login_view: str | None
    message: str
    form_message: str
    message_category: str
    required_by_default: bool
    redirects_pages_only: bool
    remembers_by_session: bool
    remember_cookie: RememberCookie
    configured_protection: str | None
    next_in_session: bool

    @property
    def needs_secret_key(self) -> bool:
        """Whether a cookie signs users in; with a ``request_loader`` alone, requests do."""
        return self.manager.user_callback is not None or self.manager.request_callback is None

    @property
    def session_protection(self) -> str | None:
        """The mode of session protection: the attribute of the manager wins."""
        chosen = self.manager.session_protection
        return self.configured_protection if chosen == DEFAULT_PROTECTION else chosen

    @property
    def set_in_code(self) -> dict[str, object]:
        """The keys that arguments and attributes of the manager override, for ``config``."""
        found: dict[str, object] = {}
        if self.manager.require_login is not None:
            found["LOGIN_REQUIRED_BY_DEFAULT"] = self.manager.require_login
        if self.manager.login_view:
            found["LOGIN_VIEW"] = self.manager.login_view
        if self.manager.session_protection != DEFAULT_PROTECTION:
            found["SESSION_PROTECTION"] = self.manager.session_protection
        return found


STATE: ExtensionState[LoginState] = ExtensionState("login", "LoginManager")
