"""Configurations that cannot work, and what they are told."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest
import redis.asyncio
from quart import Quart

from quarterdeck.commands.configuration import effective_values
from quarterdeck.exceptions import (
    ConfigurationError,
    ExtensionAlreadyInitializedError,
    ExtensionNotInitializedError,
    SessionListingError,
)
from quarterdeck.session import Session
from quarterdeck.session.config import CONFIG, TYPES

HOST = "__Host-session"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "type": ({"SESSION_TYPE": "redsi"}, "'SESSION_TYPE' is 'redsi'. Choose one of 'null', 'redis'"),
    "id length": ({"SESSION_ID_LENGTH": 16}, "a whole number of at least 32"),
    "format": ({"SESSION_SERIALIZATION_FORMAT": "pickle"}, "Choose one of 'msgpack', 'json'"),
    "mode": ({"SESSION_TYPE": "filesystem", "SESSION_FILE_MODE": "rw"}, "such as 0o600"),
    "lifetime": ({"SESSION_IDLE_SECONDS": -1}, "not negative"),
    "redis": ({"SESSION_TYPE": "redis", "SESSION_REDIS": 6379}, "'SESSION_REDIS' is 6379"),
    "redis text": (
        {
            "SESSION_TYPE": "redis",
            "SESSION_REDIS": redis.asyncio.Redis(decode_responses=True),
        },
        "without decode_responses",
    ),
    "memcached": ({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": "here"}, "Write 'host:port'"),
    "memcached client": ({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": 1}, "emcache.Client"),
    "mongodb": ({"SESSION_TYPE": "mongodb", "SESSION_MONGODB": 1}, "pymongo.AsyncMongoClient"),
    "sqlalchemy": ({"SESSION_TYPE": "sqlalchemy"}, "lambda: db.engine"),
    "cachelib": ({"SESSION_TYPE": "cachelib"}, "cachelib.FileSystemCache('sessions'"),
    "signer": (
        {"SESSION_TYPE": "filesystem", "SESSION_USE_SIGNER": True},
        "'SESSION_USE_SIGNER' needs a key. Set SECRET_KEY",
    ),
    "host, not secure": ({"SESSION_COOKIE_NAME": HOST}, "Set SESSION_COOKIE_SECURE"),
    "host, domain": (
        {
            "SESSION_COOKIE_NAME": HOST,
            "SESSION_COOKIE_SECURE": True,
            "SESSION_COOKIE_DOMAIN": "example.com",
        },
        "Remove SESSION_COOKIE_DOMAIN",
    ),
    "host, path": (
        {
            "SESSION_COOKIE_NAME": HOST,
            "SESSION_COOKIE_SECURE": True,
            "APPLICATION_ROOT": "/app",
        },
        "Remove SESSION_COOKIE_DOMAIN and SESSION_COOKIE_PATH",
    ),
}


@pytest.mark.parametrize(("config", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(config: dict[str, Any], message: str) -> None:
    app = Quart(__name__)
    app.config.update(config)
    with pytest.raises(ConfigurationError) as caught:
        Session(app)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [
        ("redis", "redis", "redis"),
        ("memcached", "emcache", "memcached"),
        ("mongodb", "pymongo", "mongodb"),
        ("sqlalchemy", "sqlalchemy", "sqlalchemy"),
        ("cachelib", "cachelib", "cachelib"),
    ],
)
def test_package_missing(
    monkeypatch: pytest.MonkeyPatch, kind: str, package: str, extra: str
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named '{package}'", name=package)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, f"quarterdeck.session.{kind}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    app = Quart(__name__)
    app.config["SESSION_TYPE"] = kind
    with pytest.raises(ConfigurationError) as caught:
        Session(app)
    assert f"needs the package '{package}', which is not installed" in str(caught.value)
    assert f"pip install 'quarterdeck[{extra}]'" in str(caught.value)


@pytest.mark.parametrize("kind", ["redis", "memcached", "filesystem", "mongodb"])
def test_no_server_is_needed_to_begin(kind: str) -> None:
    app = Quart(__name__)
    app.config["SESSION_TYPE"] = kind
    Session(app)


def test_every_type_has_an_extra_or_needs_none() -> None:
    assert TYPES == (
        "null",
        "redis",
        "memcached",
        "filesystem",
        "mongodb",
        "sqlalchemy",
        "cachelib",
    )


def test_the_word_null_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """``from_prefixed_env`` reads it as JSON, which makes it None."""
    monkeypatch.setenv("DECK_SESSION_TYPE", "null")
    app = Quart(__name__)
    app.config.from_prefixed_env("DECK")
    Session(app)

    shown = effective_values(app)["SESSION_TYPE"]
    assert (shown.value, shown.source) == ("null", "environment")


def test_names_are_those_of_the_room() -> None:
    assert all(key.name.startswith("SESSION_") for key in CONFIG)
    assert len({key.name for key in CONFIG}) == len(CONFIG)


def test_initialised_twice() -> None:
    app = Quart(__name__)
    Session(app)
    with pytest.raises(ExtensionAlreadyInitializedError):
        Session(app)


def test_one_extension_two_apps() -> None:
    extension, one, two = Session(), Quart("one"), Quart("two")
    two.config["SESSION_TYPE"] = "filesystem"
    extension.init_app(one)
    extension.init_app(two)
    assert type(one.session_interface) is not type(two.session_interface)


async def test_listing_needs_an_app_and_a_store() -> None:
    app = Quart(__name__)
    async with app.app_context():
        with pytest.raises(ExtensionNotInitializedError):
            await Session().find("7")
    Session(app)
    async with app.app_context():
        with pytest.raises(SessionListingError, match="'null' session store cannot list"):
            await Session().find("7")


async def test_memcached_cannot_list() -> None:
    app = Quart(__name__)
    app.config["SESSION_TYPE"] = "memcached"
    Session(app)
    async with app.app_context():
        with pytest.raises(SessionListingError, match="'memcached' session store cannot list"):
            await Session().end("7")
