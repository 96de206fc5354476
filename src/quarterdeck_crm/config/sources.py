"""Where the values come from: classes, files, the environment, arguments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from quarterdeck.config import boolean, read
from quarterdeck.exceptions import ConfigurationError
from quarterdeck_crm import paths

from .keys import CONFIG
from .names import WRITTEN, plain_environment, written_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quart import Quart

    from .classes import Base


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
        app.config.from_mapping(plain_environment())
    app.config.from_mapping(settings)
    names = written_names(settings, reads_environment=chosen.reads_environment)
    for key, source in (
        ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"),
        ("SOCKETS_BACKEND", "REDIS_URL"),
        ("RATELIMIT_STORAGE_URI", "REDIS_URL"),
    ):
        if key not in app.config and app.config.get(source):
            names[key] = names.get(source, source)
    app.extensions[WRITTEN] = names
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
    if config["CONFIG_NAME"] == "development":
        config["PUBLIC_URL"] = config["PUBLIC_URL"] or "http://127.0.0.1:8000"
    url = urlsplit(config["PUBLIC_URL"] or "")
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise ConfigurationError(
            "PUBLIC_URL",
            f"is {config['PUBLIC_URL']!r}, but mail needs an address for its links",
            "Set it to the address of this CRM, such as 'https://crm.example.com'.",
        )
