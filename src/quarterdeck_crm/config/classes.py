"""The configurations of development, tests and production."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.checks import weakness_of
from quarterdeck.exceptions import ConfigurationError

if TYPE_CHECKING:
    from quart import Quart


class Base:
    """The settings that all configurations share, secure by default."""

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
    LOGIN_REDIRECT_PAGES_ONLY = True  # programs get 401
    LOGIN_REMEMBER_BY = "session"  # so that an administrator can end it
    SCHEDULER_JOBSTORES = {"default": {"type": "sqlalchemy"}}
    SCHEDULER_LEASE = "sqlalchemy"  # there is always a database, and not always a Redis
    SCHEDULER_SQLALCHEMY_CREATE = False  # the migrations make the tables
    SESSION_PROTECTION = None  # no page asks for a fresh sign-in
    WTF_I18N_LANGUAGES = ("en", "de", "zh_Hans")  # messages of WTForms
    METRICS_NAMESPACE = "crm"
    LOG_FORMAT: str | None = "text"
    LOG_LEVELS = {"alembic": "WARNING"}  # 'crm db' reports by itself

    reads_environment = True

    @classmethod
    def init_app(cls, app: Quart) -> None:
        """Finish the configuration of an app once all values are known."""
        try:
            Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise folder_error("CRM_INSTANCE", Path(app.instance_path), error) from error


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
    LOG_FORMAT = None  # pytest reads the records
    PROPAGATE_EXCEPTIONS = False  # errors are answered as in production, and logged
    SECRET_KEY = "only-for-tests-" + "0" * 32
    # A busy machine is no broken store, and no database that is spent or frozen.
    SESSION_TIMEOUT_SECONDS = 10
    SQLALCHEMY_POOL_TIMEOUT = 30
    SQLALCHEMY_CONNECT_TIMEOUT_SECONDS = 20
    SQLALCHEMY_QUERY_TIMEOUT_SECONDS = 20
    RATELIMIT_ENABLED = False  # tests of the limits turn it on
    LOGIN_HASH_TIME_COST = 1  # cheap hashes: the tests check the rules, not the costs
    LOGIN_HASH_MEMORY_COST = 64
    SCHEDULER_AUTOSTART = False  # tests run jobs by hand

    reads_environment = False


class Production(Base):
    """Refuses to start with a secret key that is missing, known or short."""

    CONFIG_NAME = "production"
    LOG_FORMAT = "json"
    PREFERRED_URL_SCHEME = "https"

    @classmethod
    def init_app(cls, app: Quart) -> None:
        if problem := weakness_of(app.config["SECRET_KEY"]):
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


def folder_error(name: str, folder: Path, error: OSError) -> ConfigurationError:
    """Return the error for a folder that cannot be made or written to."""
    return ConfigurationError(
        name,
        f"is '{folder}', and nothing can be written there: {error.strerror}",
        "Name a folder that the server may write to.",
    )


def _kept_secret(app: Quart) -> str:
    """Return the key in ``instance/secret_key``, made by whoever comes first."""
    path = Path(app.instance_path) / "secret_key"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    except OSError as error:
        raise folder_error("CRM_INSTANCE", path.parent, error) from error
    return path.read_text()
