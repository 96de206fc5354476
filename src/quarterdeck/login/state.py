"""What the login room keeps per app, and its configuration keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quarterdeck._config import ConfigKey, boolean, integer, text
from quarterdeck._state import ExtensionState

if TYPE_CHECKING:
    from .extension import LoginManager
    from .hashing import PasswordHasher

CONFIG = (
    ConfigKey("LOGIN_VIEW", None, text, "Endpoint or path of the sign-in page"),
    ConfigKey(
        "LOGIN_MESSAGE", "Sign in to see this page.", text, "Flashed at a redirect; empty for none"
    ),
    ConfigKey("LOGIN_MESSAGE_CATEGORY", "info", text, "Category of that flash"),
    ConfigKey(
        "LOGIN_REQUIRED_BY_DEFAULT", False, boolean, "Whether an unmarked view needs sign-in"
    ),
    ConfigKey("LOGIN_HASH_WORKERS", 2, integer(1), "Password hashes computed at the same time"),
    ConfigKey("LOGIN_HASH_TIME_COST", 3, integer(1), "Argon2 passes over the memory"),
    ConfigKey("LOGIN_HASH_MEMORY_COST", 65536, integer(64), "Argon2 memory in KiB"),
)


@dataclass(frozen=True, slots=True)
class LoginState:
    """The checked configuration of one app."""

    manager: LoginManager
    hasher: PasswordHasher
    login_view: str | None
    message: str
    message_category: str
    required_by_default: bool


STATE: ExtensionState[LoginState] = ExtensionState("login", "LoginManager")
