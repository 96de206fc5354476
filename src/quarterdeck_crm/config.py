"""The CRM's configurations, and where their values come from.

Weakest first: the class, ``instance/config.py``, the environment, the arguments of
``create_app`` passes. Programs complete the environment from ``.env``, then ``.flaskenv``,
before they make an app.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from quarterdeck.checks import weakness_of
from quarterdeck.config import ConfigKey, boolean, integer, read, text
from quarterdeck.exceptions import ConfigurationError
from quarterdeck.security.limits import rate

from . import paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from quart import Quart

CONFIG = (
    ConfigKey(
        "CURRENCY",
        "EUR",
        text,
        "The currency of new orders and goods.",
    ),
    ConfigKey(
        "ADMIN",
        None,
        text,
        "E-mail address that becomes an administrator on registering, even if registration is "
        "closed, as long as there is no administrator.",
    ),
    ConfigKey(
        "ATTACHMENT_FOLDER",
        None,
        text,
        "Folder of uploaded files. None is `attachments` in the instance folder. Several "
        "hosts need a folder that they share.",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES",
        10 * 1024 * 1024,
        integer(1),
        "The largest file that can be attached. `MAX_CONTENT_LENGTH` must be larger.",
        unit="bytes",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES_PER_USER",
        5 * 1000**3,
        integer(0),
        "How much room all files take up that one user attached. 0 is unlimited.",
        unit="bytes",
    ),
    ConfigKey(
        "ATTACHMENT_MAX_BYTES_PER_ACCOUNT",
        2 * 1000**3,
        integer(0),
        "How much room all files of an account and its orders take up. 0 is unlimited.",
        unit="bytes",
    ),
    ConfigKey(
        "IMPORT_FOLDER",
        None,
        text,
        "Folder of files that wait for their import. None is `imports` in the instance "
        "folder. Several hosts need a folder that they share.",
    ),
    ConfigKey(
        "IMPORT_MAX_BYTES",
        15 * 1024 * 1024,
        integer(1),
        "The largest file that can be imported on a page. `MAX_CONTENT_LENGTH` must be "
        "larger. `crm import` takes files of any size.",
        unit="bytes",
    ),
    ConfigKey(
        "ORDER_WAITING_DAYS",
        14,
        integer(1),
        "A confirmed order that nobody has changed for this long is noted as waiting, in its "
        "history and to its readers.",
        unit="days",
    ),
    ConfigKey(
        "HISTORY_DAYS",
        0,
        integer(0),
        "How long the history of accounts, goods and orders is kept. 0 is for ever.",
        unit="days",
    ),
    ConfigKey(
        "METRICS_TOKEN",
        None,
        text,
        "The token that opens `/metrics`, sent as `Authorization: Bearer TOKEN`. In development "
        "requests from the same machine need none.",
        secret=True,
    ),
    ConfigKey(
        "MAIL_ENABLED",
        None,
        boolean,
        "Whether the CRM sends mail. None is true if `MAIL_SERVER` or `MAIL_BACKEND` is set. It "
        "then needs `MAIL_DEFAULT_SENDER` and `PUBLIC_URL`.",
    ),
    ConfigKey(
        "PUBLIC_URL",
        None,
        text,
        "The address of this CRM for links in mail, such as `https://crm.example.com`. In "
        "development it is `http://127.0.0.1:8000` if not set.",
    ),
    ConfigKey(
        "TRACES_EXPORTER",
        None,
        text,
        "Where traces go: `otlp` to a collector of OpenTelemetry, at the address that "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` of the environment names. None makes no traces. Needs "
        "`quarterdeck[otel]`.",
        choices=("otlp",),
    ),
    ConfigKey(
        "REGISTRATION_OPEN",
        False,
        boolean,
        "Whether visitors may register. They get the role User.",
    ),
    ConfigKey(
        "AUDIT_DAYS",
        365,
        integer(0),
        "How long events of the audit log are kept, by a job each night and by `crm audit prune`. "
        "0 keeps all.",
        unit="days",
    ),
    ConfigKey(
        "LIMIT_SIGN_IN_ACCOUNT",
        "60/hour",
        rate,
        "Attempts to sign in to one account, from devices that have not signed in to it before.",
    ),
    ConfigKey(
        "LIMIT_SIGN_IN_ADDRESS",
        "300/hour",
        rate,
        "The same from one address, which an office may share.",
    ),
    ConfigKey(
        "LIMIT_REGISTRATION",
        "20/hour",
        rate,
        "Registrations from one address, also those that are refused.",
    ),
    ConfigKey(
        "LIMIT_PASSWORD_RESET",
        "30/hour",
        rate,
        "Uses of links that set a password, from one address.",
    ),
    ConfigKey(
        "LIMIT_RESET_MAIL",
        "5/hour",
        rate,
        "Mails with such a link to one address, from whatever addresses they are requested.",
    ),
    ConfigKey(
        "LIMIT_PASSWORD_CHANGE",
        "20/hour",
        rate,
        "Attempts of one user to change the password, which check the present one.",
    ),
    ConfigKey(
        "LIMIT_TOKENS",
        "30/hour",
        rate,
        "API tokens that one user makes.",
    ),
    ConfigKey(
        "LIMIT_INVALID_TOKENS",
        "60/hour",
        rate,
        "Requests with an invalid API token from one address.",
    ),
    ConfigKey(
        "LIMIT_API",
        "600/minute",
        rate,
        "API requests of one user, of all tokens and browsers together.",
    ),
    ConfigKey(
        "LIMIT_WEBSOCKETS",
        "60/minute",
        rate,
        "WebSocket handshakes of one user.",
    ),
    ConfigKey(
        "LIMIT_SAY",
        "60/minute",
        rate,
        "`say` messages of one user, over all WebSockets.",
    ),
    ConfigKey(
        "LIMIT_IMPORTS",
        "60/hour",
        rate,
        "Files that one user uploads for an import.",
    ),
    ConfigKey(
        "LIMIT_EXPORTS",
        "120/hour",
        rate,
        "Exports of one user.",
    ),
    ConfigKey(
        "INSECURE_HTTP",
        False,
        boolean,
        "Lets production serve plain http: cookies lose `Secure` and the `__Host-` prefix.",
    ),
)

# These keep the names that operators know, without the CRM_ in front.
PLAIN_NAMES = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SESSION_TYPE")
PLAIN_PREFIX = "MAIL_"

_WRITTEN = "quarterdeck_crm.written_names"  # where ``app.extensions`` holds them


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
        app.config["PUBLIC_URL"] = app.config["PUBLIC_URL"] or "http://127.0.0.1:8000"


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
    return (Path.cwd() if paths.IS_INSTALLED else paths.ROOT) / "instance"


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
    names = _written_names(chosen, settings)
    for key, source in (
        ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"),
        ("SOCKETS_BACKEND", "REDIS_URL"),
        ("RATELIMIT_STORAGE_URI", "REDIS_URL"),
    ):
        if key not in app.config and app.config.get(source):
            names[key] = names.get(source, source)
    app.extensions[_WRITTEN] = names
    read(app, CONFIG)
    app.config.setdefault(
        "SQLALCHEMY_DATABASE_URI",
        app.config["DATABASE_URL"]
        or f"sqlite+aiosqlite:///{Path(app.instance_path) / 'crm.sqlite3'}",
    )
    _refuse_postgresql(app)
    # Who names a Redis has several processes, or may have them soon.
    app.config.setdefault("SOCKETS_BACKEND", "redis" if app.config.get("REDIS_URL") else "memory")
    app.config.setdefault("RATELIMIT_STORAGE_URI", app.config.get("REDIS_URL") or "memory://")
    chosen.init_app(app)
    _configure_mail(app)


def _refuse_postgresql(app: Quart) -> None:
    """Refuse the database that the kit serves and the SQL of the CRM was never tested on."""
    scheme = str(app.config["SQLALCHEMY_DATABASE_URI"]).partition(":")[0].partition("+")[0]
    if scheme in {"postgres", "postgresql"}:
        raise ConfigurationError(
            "SQLALCHEMY_DATABASE_URI",
            "is PostgreSQL, on which the CRM does not run",
            "Name a MySQL or MariaDB database, or remove it to use SQLite.",
        )


def _configure_mail(app: Quart) -> None:
    """Turn mail on if a server or a back end is named, and check what links and senders need.

    Raises:
        ConfigurationError: If the sender or the public address is missing.
    """
    config = app.config
    if config["MAIL_ENABLED"] is None:
        config["MAIL_ENABLED"] = bool(config.get("MAIL_SERVER") or config.get("MAIL_BACKEND"))
    config["MAIL_ENABLED"] = boolean(config["MAIL_ENABLED"])
    if not config["MAIL_ENABLED"]:
        config["MAIL_OUTBOX_RELAY"] = False
        return
    if not config.get("MAIL_DEFAULT_SENDER"):
        raise ConfigurationError(
            "MAIL_DEFAULT_SENDER",
            "is not set, but the CRM sends mail",
            "Set it to an address such as 'Quarterdeck <crm@example.com>'.",
        )
    url = urlsplit(config["PUBLIC_URL"] or "")
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise ConfigurationError(
            "PUBLIC_URL",
            f"is {config['PUBLIC_URL']!r}, but mail needs an address for its links",
            "Set it to the address of this CRM, such as 'https://crm.example.com'.",
        )


def written_name(app: Quart, key: str) -> str:
    """Return the name under which the operator set a key, such as ``CRM_CURRENCY``.

    Without a value from the environment it is the key itself.
    """
    names: Mapping[str, str] = app.extensions.get(_WRITTEN, {})
    begin = re.match(r"\w*", key)
    name = begin[0] if begin else ""
    return names.get(name, name) + key[len(name) :]


@contextmanager
def errors_as_written(app: Quart) -> Iterator[None]:
    """Let a ConfigurationError of the block name the setting that the operator wrote."""
    try:
        yield
    except ConfigurationError as error:
        raise error.under(written_name(app, error.key)) from error


def variable_of(key: str) -> str:
    """Return the variable of the environment that sets a key; other names as they are."""
    if key == "SQLALCHEMY_DATABASE_URI":
        return "DATABASE_URL"
    is_plain = key in PLAIN_NAMES or key.startswith(PLAIN_PREFIX)
    return key if is_plain or not key.isupper() else f"CRM_{key}"


def folder_error(name: str, folder: Path, error: OSError) -> ConfigurationError:
    """Return the error for a folder that cannot be made or written to."""
    return ConfigurationError(
        name,
        f"is '{folder}', and nothing can be written there: {error.strerror}",
        "Name a folder that the server may write to.",
    )


def _written_names(chosen: type[Base], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the environment that give keys their values, by key."""
    names: dict[str, str] = {}
    if chosen.reads_environment:
        prefixed = (name for name in os.environ if name.startswith("CRM_"))
        names = {name.removeprefix("CRM_").partition("__")[0]: name for name in prefixed}
        names |= {name: name for name in _plain_environment()}
    return {key: name for key, name in names.items() if key not in settings}


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
    except OSError as error:
        raise folder_error("CRM_INSTANCE", path.parent, error) from error
    return path.read_text()
