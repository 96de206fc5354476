"""Where configuration comes from, and what production refuses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from quart import Quart

from quarterdeck.exceptions import ConfigurationError
from quarterdeck_crm import create_app, paths
from quarterdeck_crm.config import CONFIG, PLAIN_NAMES, Base, Development, Production, instance_path

STRONG = "only for this test, and long enough for it"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only what a test sets itself, and a folder of its own."""
    for name in os.environ:
        if name.startswith(("CRM_", "MAIL_")) or name in PLAIN_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CRM_INSTANCE", str(tmp_path))


@pytest.mark.feature("C2")
def test_development_is_the_default() -> None:
    assert create_app().config["CONFIG_NAME"] == "development"


@pytest.mark.feature("C2")
def test_crm_config_names_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_CONFIG", "testing")

    assert create_app().testing


def test_unknown_configuration_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="development, testing, production"):
        create_app("staging")


@pytest.mark.feature("C2")
def test_class_of_ones_own_has_its_init_app_called() -> None:
    class Ours(Development):
        COLOUR = "teal"

        @classmethod
        def init_app(cls, app: Quart) -> None:
            super().init_app(app)
            app.config["SHOUTED"] = app.config["COLOUR"].upper()

    assert create_app(Ours).config["SHOUTED"] == "TEAL"


@pytest.mark.feature("C5")
@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("Secret Key ", "everybody knows"),
        ("k" * 31, "shorter than 32"),
        ("k" * 40, "different characters"),
    ],
)
def test_production_refuses_a_weak_secret_key(key: str | None, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'SECRET_KEY' .*{problem}"):
        create_app("production", SECRET_KEY=key)


@pytest.mark.feature("C5")
def test_production_cookies_are_host_bound_and_secure() -> None:
    config = create_app("production", SECRET_KEY=STRONG).config

    assert config["SESSION_COOKIE_NAME"] == "__Host-crm"
    assert config["SESSION_COOKIE_SECURE"] is True


def test_insecure_http_is_loosened_by_name_only() -> None:
    config = create_app("production", SECRET_KEY=STRONG, INSECURE_HTTP=True).config

    assert config["SESSION_COOKIE_NAME"] == "crm"
    assert not config["SESSION_COOKIE_SECURE"]


@pytest.mark.feature("C5")
def test_development_keeps_one_secret_key_for_itself(tmp_path: Path) -> None:
    first, second = create_app(), create_app()

    assert first.config["SECRET_KEY"] == second.config["SECRET_KEY"]
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.feature("C3", "C4")
def test_sources_win_over_each_other_in_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Class, then instance/config.py, then environment, then the caller."""

    class Ours(Base):
        SECRET_KEY = "class"
        A = B = C = D = "class"

    (tmp_path / "config.py").write_text("B = C = D = 'file'")
    monkeypatch.setenv("CRM_C", "environment")
    monkeypatch.setenv("CRM_D", "environment")

    config = create_app(Ours, D="caller").config

    assert [config[key] for key in "ABCD"] == ["class", "file", "environment", "caller"]


def test_names_that_operators_know_need_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "1" * 40)
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:///elsewhere.sqlite3")
    monkeypatch.setenv("MAIL_SERVER", "mail.example.com")
    monkeypatch.setenv("MAIL_DEFAULT_SENDER", "crm@example.com")

    config = create_app().config

    assert config["SECRET_KEY"] == "1" * 40
    assert config["SQLALCHEMY_DATABASE_URI"].endswith("elsewhere.sqlite3")
    assert config["MAIL_SERVER"] == "mail.example.com"


def test_tests_are_deaf_to_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRM_REGISTRATION_OPEN", "1")

    assert not create_app("testing", INSTANCE=str(tmp_path)).config["REGISTRATION_OPEN"]


def test_value_of_the_wrong_kind_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_REGISTRATION_OPEN", "perhaps")

    with pytest.raises(ConfigurationError, match="'CRM_REGISTRATION_OPEN' is 'perhaps'"):
        create_app()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "carrier+pigeon://h/crm"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:p@h/crm"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres+asyncpg://u:p@h/crm"}, "DATABASE_URL"),
        ({"CRM_DATABASE_URL": "nonsense"}, "CRM_DATABASE_URL"),
        ({"CRM_SQLALCHEMY_DATABASE_URI": "nonsense"}, "CRM_SQLALCHEMY_DATABASE_URI"),
        ({"CRM_SQLALCHEMY_BINDS": '{"old": "nonsense"}'}, "CRM_SQLALCHEMY_BINDS['old']"),
        ({"CRM_SQLALCHEMY_BINDS__old": "nonsense"}, "CRM_SQLALCHEMY_BINDS__old['old']"),
        ({"REDIS_URL": "http://127.0.0.1"}, "REDIS_URL"),
        ({"CRM_REDIS_URL": "redis://127.0.0.1:port"}, "CRM_REDIS_URL"),
        ({"CRM_SOCKETS_BACKEND": "redis", "CRM_SOCKETS_REDIS": "nonsense"}, "CRM_SOCKETS_REDIS"),
        (
            {"SESSION_TYPE": "redis", "REDIS_URL": "nonsense", "CRM_SOCKETS_BACKEND": "memory"},
            "REDIS_URL",
        ),
        ({"SESSION_TYPE": "redis", "CRM_SESSION_REDIS": "nonsense"}, "CRM_SESSION_REDIS"),
        ({"SESSION_TYPE": "mongodb", "CRM_SESSION_MONGODB": "h:1"}, "CRM_SESSION_MONGODB"),
        ({"SESSION_TYPE": "memcached", "CRM_SESSION_MEMCACHED": "h"}, "CRM_SESSION_MEMCACHED"),
        ({"SESSION_TYPE": "papyrus"}, "SESSION_TYPE"),
        ({"CRM_SESSION_TYPE": "papyrus"}, "CRM_SESSION_TYPE"),
        ({"CRM_SECRET_KEY": "secret", "CRM_CONFIG": "production"}, "CRM_SECRET_KEY"),
        ({"SECRET_KEY": "secret", "CRM_CONFIG": "production"}, "SECRET_KEY"),
        ({"CRM_SQLALCHEMY_POOL_SIZE": "many"}, "CRM_SQLALCHEMY_POOL_SIZE"),
        ({"CRM_CONFIG": "staging"}, "CRM_CONFIG"),
        ({"CRM_INSTANCE": "/proc/none"}, "CRM_INSTANCE"),
    ],
    ids=str,
)
def test_errors_name_the_variable_that_holds_the_value(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as caught:
        create_app()

    assert str(caught.value).startswith(f"'{named}' ")


def test_errors_name_the_key_where_no_variable_holds_the_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CRM_REGISTRATION_OPEN", "perhaps")

    with pytest.raises(ConfigurationError, match=r"^'REGISTRATION_OPEN' is 'maybe'"):
        create_app(REGISTRATION_OPEN="maybe")
    monkeypatch.delenv("CRM_REGISTRATION_OPEN")
    (tmp_path / "config.py").write_text("DATABASE_URL = 'nonsense'")
    with pytest.raises(ConfigurationError, match=r"^'DATABASE_URL' is not"):
        create_app()


def test_errors_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_METRICS_TOKEN", "1234567890123456")  # JSON: a number, not text

    with pytest.raises(ConfigurationError, match="'CRM_METRICS_TOKEN'") as caught:
        create_app()

    assert "1234567890123456" not in str(caught.value)


@pytest.mark.feature("S2")
@pytest.mark.parametrize(
    "kind", ["null", "redis", "memcached", "filesystem", "mongodb", "sqlalchemy"]
)
def test_session_type_is_all_it_takes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_TYPE", kind)

    assert create_app().config["SESSION_TYPE"] == kind


def test_unknown_session_type_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'SESSION_TYPE' is 'cookie'\. Choose one of"):
        create_app(SESSION_TYPE="cookie")


@pytest.mark.feature("C5")
def test_a_redis_that_is_named_carries_the_live_events(monkeypatch: pytest.MonkeyPatch) -> None:
    assert create_app().config["SOCKETS_BACKEND"] == "memory"
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert create_app().config["SOCKETS_BACKEND"] == "redis"
    monkeypatch.setenv("CRM_SOCKETS_BACKEND", "memory")
    assert create_app().config["SOCKETS_BACKEND"] == "memory"


def test_database_lives_in_the_instance_folder(tmp_path: Path) -> None:
    assert create_app().config["SQLALCHEMY_DATABASE_URI"] == (
        f"sqlite+aiosqlite:///{tmp_path}/crm.sqlite3"
    )


@pytest.mark.parametrize("installed", [True, False])
def test_instance_folder_of_a_wheel_and_of_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: bool
) -> None:
    monkeypatch.delenv("CRM_INSTANCE")
    monkeypatch.setattr(paths, "IS_INSTALLED", installed)
    monkeypatch.chdir(tmp_path)

    folder = tmp_path if installed else paths.ROOT
    assert instance_path(Production, {}) == folder / "instance"


def test_every_key_is_documented() -> None:
    page = (paths.ROOT / "docs" / "configuration.md").read_text("utf-8")
    table = page.partition("## The CRM")[2]

    for name in (*PLAIN_NAMES, *(key.name for key in CONFIG)):
        assert f"| `{name}` |" in table


def test_links_in_mail_have_an_address_in_development() -> None:
    """Without mail there is none: a page then shows links to where its user found it."""
    mail = {"MAIL_BACKEND": "memory", "MAIL_DEFAULT_SENDER": "crm@example.com"}
    assert create_app("development").config["PUBLIC_URL"] is None
    assert create_app("development", **mail).config["PUBLIC_URL"] == "http://127.0.0.1:8000"
