"""The CRM's configurations, and where their values come from.

Weakest first: the class, ``instance/config.py``, the environment, what the caller of
``create_app`` passes. Programs complete the environment from ``.env``, then ``.flaskenv``,
before they make an app.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarterdeck._config import ConfigKey, boolean, integer, read, text
from quarterdeck.exceptions import ConfigurationError

from . import resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quart import Quart

CONFIG = (
    ConfigKey("CURRENCY", "EUR", text, "The currency that new orders and articles begin with."),
    ConfigKey(
        "ADMIN",
        None,
        text,
        "E-mail address that becomes an administrator on registering, while there is none.",
    ),
    ConfigKey(
        "ATTACHMENT_FOLDER",
        None,
        text,
        "Where uploaded files are kept; `attachments` in the instance folder if not set. "
        "Several hosts need one that they share.",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES",
        10 * 1024 * 1024,
        integer(1),
        "The largest file that can be attached, in bytes; `MAX_CONTENT_LENGTH` must be larger.",
    ),
    ConfigKey(
        "IMPORT_FOLDER",
        None,
        text,
        "Where files wait for their import; `imports` in the instance folder if not set. "
        "Several hosts need one that they share.",
    ),
    ConfigKey(
        "IMPORT_MAX_BYTES",
        15 * 1024 * 1024,
        integer(1),
        "The largest file that can be imported on a page, in bytes; `MAX_CONTENT_LENGTH` must "
        "be larger.",
    ),
    ConfigKey(
        "METRICS_TOKEN",
        None,
        text,
        "With it, other machines may read `/metrics`: `Authorization: Bearer TOKEN`.",
    ),
    ConfigKey("REGISTRATION_OPEN", False, boolean, "Whether anybody may register."),
    ConfigKey(
        "INSECURE_HTTP",
        False,
        boolean,
        "Lets production serve plain http: cookies lose Secure and the __Host- name.",
    ),
)

# These keep the names that operators know, without the CRM_ in front.
PLAIN_NAMES = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SESSION_TYPE")
PLAIN_PREFIX = "MAIL_"

MIN_SECRET_LENGTH = 32
KNOWN_SECRETS = frozenset(
    {"", "change me", "changeme", "default", "dev", "development", "hard to guess string", "key"}
    | {"password", "secret", "secret key", "secret_key", "test", "testing", "you-will-never-guess"}
)


class Base:
    """What all configurations share: secure, and nothing open that can be closed."""

    CONFIG_NAME = "base"
    SECRET_KEY: str | None = None
    SESSION_TYPE = "sqlalchemy"
    SESSION_SQLALCHEMY_TABLE = "browser_session"
    SESSION_SQLALCHEMY_CREATE = False  # the migrations make it
    SESSION_PERMANENT = False  # only who asks to be remembered is
    SESSION_ABSOLUTE_SECONDS = 90 * 24 * 3600
    SESSION_COOKIE_NAME = "crm"
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    MAX_CONTENT_LENGTH = 16 * 1024 * 1024
    LOGIN_MESSAGE = ""  # the sign-in page says enough

    reads_environment = True

    @classmethod
    def init_app(cls, app: Quart) -> None:
        """Finish the configuration of an app once all values are known."""
        Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)


class Development(Base):
    """One machine, http on loopback, a secret key made on first use."""

    CONFIG_NAME = "development"
    SEND_FILE_MAX_AGE_DEFAULT = 0  # a style that was just changed is seen at once

    @classmethod
    def init_app(cls, app: Quart) -> None:
        super().init_app(app)
        app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or _kept_secret(app)


class Testing(Base):
    """Deaf to the environment, so that tests mean the same on every machine."""

    CONFIG_NAME = "testing"
    TESTING = True
    PROPAGATE_EXCEPTIONS = False  # errors are answered as in production, and logged
    SECRET_KEY = "only-for-tests-" + "0" * MIN_SECRET_LENGTH
    # A busy machine is no broken store, and no database that is spent or frozen.
    SESSION_TIMEOUT_SECONDS = 10
    SQLALCHEMY_POOL_TIMEOUT = 30
    SQLALCHEMY_CONNECT_TIMEOUT_SECONDS = 20
    SQLALCHEMY_QUERY_TIMEOUT_SECONDS = 20
    LOGIN_HASH_TIME_COST = 1  # cheap hashes: the tests check the rules, not the costs
    LOGIN_HASH_MEMORY_COST = 64

    reads_environment = False


class Production(Base):
    """Refuses to start with a secret key that is missing, known or short."""

    CONFIG_NAME = "production"
    PREFERRED_URL_SCHEME = "https"

    @classmethod
    def init_app(cls, app: Quart) -> None:
        if problem := secret_key_problem(app.config["SECRET_KEY"]):
            raise ConfigurationError(
                "SECRET_KEY",
                problem,
                "Set it to the output of "
                "'python -c \"import secrets; print(secrets.token_urlsafe(48))\"'.",
            )
        super().init_app(app)
        if not app.config["INSECURE_HTTP"]:
            app.config["SESSION_COOKIE_SECURE"] = True
            app.config["SESSION_COOKIE_NAME"] = f"__Host-{app.config['SESSION_COOKIE_NAME']}"


CLASSES = {chosen.CONFIG_NAME: chosen for chosen in (Development, Testing, Production)}


def choose(config: str | type[Base] | None) -> type[Base]:
    """Return the configuration class named, or the one that ``CRM_CONFIG`` names.

    Raises:
        ConfigurationError: If there is none of that name.
    """
    if isinstance(config, type):
        return config
    name = config or os.environ.get("CRM_CONFIG") or "development"
    try:
        return CLASSES[name]
    except KeyError:
        known = ", ".join(CLASSES)
        raise ConfigurationError("CRM_CONFIG", f"is {name!r}", f"Choose one of {known}.") from None


def instance_path(chosen: type[Base], settings: Mapping[str, Any]) -> Path:
    """Return the folder for this installation's own files.

    ``CRM_INSTANCE`` if set, the checkout's ``instance/`` in a checkout, and ``instance/`` of
    the current folder for an installed package.
    """
    asked = settings.get("INSTANCE")
    if asked is None and chosen.reads_environment:
        asked = os.environ.get("CRM_INSTANCE")
    if asked:
        return Path(asked).absolute()
    return (Path.cwd() if resources.IS_INSTALLED else resources.ROOT) / "instance"


def configure(app: Quart, chosen: type[Base], settings: Mapping[str, Any]) -> None:
    """Fill ``app.config`` from all sources and check it.

    Raises:
        ConfigurationError: If a value cannot work.
    """
    app.config["DATABASE_URL"] = None
    app.config.from_object(chosen)
    if chosen.reads_environment:
        app.config.from_pyfile(str(Path(app.instance_path) / "config.py"), silent=True)
        app.config.from_prefixed_env("CRM")
        app.config.from_mapping(_plain_environment())
    app.config.from_mapping(settings)
    read(app, CONFIG)
    app.config.setdefault(
        "SQLALCHEMY_DATABASE_URI",
        app.config["DATABASE_URL"]
        or f"sqlite+aiosqlite:///{Path(app.instance_path) / 'crm.sqlite3'}",
    )
    # Who names a Redis has several processes, or may have them soon.
    app.config.setdefault("SOCKETS_BACKEND", "redis" if app.config.get("REDIS_URL") else "memory")
    chosen.init_app(app)


def secret_key_problem(key: object) -> str | None:
    """Say what is wrong with a secret key for production, or None."""
    if not key:
        return "is not set"
    if str(key).strip().lower() in KNOWN_SECRETS:
        return "is one that everybody knows"
    if len(str(key)) < MIN_SECRET_LENGTH:
        return f"is shorter than {MIN_SECRET_LENGTH} characters"
    return None


def _plain_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in PLAIN_NAMES or name.startswith(PLAIN_PREFIX)
    }


def _kept_secret(app: Quart) -> str:
    """Return the key in ``instance/secret_key``, made by whoever comes first."""
    path = Path(app.instance_path) / "secret_key"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()
