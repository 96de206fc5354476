"""``crm check --deploy`` names every setting that is unsafe on a network, and no other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.checks import Finding, Target, rules_of, run_rules
from quarterdeck.serving import Config
from quarterdeck_crm import create_app
from quarterdeck_crm.paths import HYPERCORN

SAFE: dict[str, Any] = {
    "SECRET_KEY": "only for this test, and long enough for it",
    "DATABASE_URL": "mysql+aiomysql://crm:secret@db.example.com/crm",
    "TRUSTED_HOSTS": ["crm.example.com"],
    "METRICS_TOKEN": "a-token-that-is-long-and-random",
    "SQLALCHEMY_ENGINE_OPTIONS": {"connect_args": {"ssl": True}},
    "MAIL_BACKEND": "smtp",
    "MAIL_DEFAULT_SENDER": "crm@example.com",
    "PUBLIC_URL": "https://crm.example.com",
}

UNSAFE: list[tuple[str, Any, str]] = [
    ("SECRET_KEY_FALLBACKS", ["old"], "CRM_SECRET_KEY_FALLBACKS"),
    ("WTF_CSRF_SECRET_KEY", "short", "CRM_WTF_CSRF_SECRET_KEY"),
    ("METRICS_TOKEN", "x", "CRM_METRICS_TOKEN"),
    ("METRICS_TOKEN", "x" * 40, "CRM_METRICS_TOKEN"),
    ("PUBLIC_URL", "http://crm.example.com", "CRM_PUBLIC_URL"),
    ("MAIL_SERVER", "mail.example.com", "MAIL_USE_TLS"),
    ("REGISTRATION_OPEN", True, "CRM_REGISTRATION_OPEN"),
    ("PROPAGATE_EXCEPTIONS", True, "CRM_PROPAGATE_EXCEPTIONS"),
    ("DEBUG", True, "CRM_DEBUG"),
    ("TESTING", True, "CRM_TESTING"),
    ("LOGIN_HASH_TIME_COST", 1, "CRM_LOGIN_HASH_TIME_COST"),
    ("LOGIN_HASH_MEMORY_COST", 64, "CRM_LOGIN_HASH_MEMORY_COST"),
    ("INSECURE_HTTP", True, "CRM_SESSION_COOKIE_SECURE"),
    ("SESSION_COOKIE_HTTPONLY", False, "CRM_SESSION_COOKIE_HTTPONLY"),
    ("SESSION_COOKIE_SAMESITE", "None", "CRM_SESSION_COOKIE_SAMESITE"),
    ("SESSION_TYPE", "null", "SESSION_TYPE"),
    ("SESSION_IDLE_SECONDS", 10 * 365 * 86400, "CRM_SESSION_IDLE_SECONDS"),
    ("PERMANENT_SESSION_LIFETIME", timedelta(days=3650), "CRM_SESSION_IDLE_SECONDS"),
    ("SESSION_ABSOLUTE_SECONDS", None, "CRM_SESSION_ABSOLUTE_SECONDS"),
    ("WTF_CSRF_ENABLED", False, "CRM_WTF_CSRF_ENABLED"),
    ("WTF_CSRF_CHECK_DEFAULT", False, "CRM_WTF_CSRF_CHECK_DEFAULT"),
    ("LOGIN_DISABLED", True, "CRM_LOGIN_DISABLED"),
    ("LOGIN_REMEMBER_BY", "cookie", "CRM_LOGIN_REMEMBER_BY"),
    ("WTF_CSRF_SSL_STRICT", False, "CRM_WTF_CSRF_SSL_STRICT"),
    ("WTF_CSRF_TRUSTED_ORIGINS", ["https://evil.example"], "CRM_WTF_CSRF_TRUSTED_ORIGINS"),
    ("TRUSTED_HOSTS", None, "CRM_TRUSTED_HOSTS"),
    ("TRUSTED_HOSTS", ["*"], "CRM_TRUSTED_HOSTS"),
    ("TRUSTED_HOSTS", [".com"], "CRM_TRUSTED_HOSTS"),
    ("TRUSTED_HOSTS", ["*.example.com"], "CRM_TRUSTED_HOSTS"),
    ("MAX_CONTENT_LENGTH", None, "CRM_MAX_CONTENT_LENGTH"),
    ("MAX_CONTENT_LENGTH", 2**40, "CRM_MAX_CONTENT_LENGTH"),
    ("BODY_TIMEOUT", None, "CRM_BODY_TIMEOUT"),
    ("MAX_FORM_MEMORY_SIZE", None, "CRM_MAX_FORM_MEMORY_SIZE"),
    ("MAX_FORM_PARTS", None, "CRM_MAX_FORM_PARTS"),
    ("WEBSOCKET_MAX_CONNECTIONS", 10**9, "CRM_WEBSOCKET_MAX_CONNECTIONS"),
    ("DATABASE_URL", "sqlite:///crm.sqlite3", "DATABASE_URL"),
    ("SQLALCHEMY_ECHO", True, "CRM_SQLALCHEMY_ECHO"),
]


# They ask the database, which is not there.
NEED_TABLES = {"QD020", "CRM001", "CRM002", "CRM006", "CRM007", "CRM009", "CRM010"}


def findings(folder: Path, **settings: Any) -> list[Finding]:
    late = {name: settings.pop(name) for name in ("DEBUG", "TESTING") if name in settings}
    app = create_app("production", INSTANCE=str(folder), **SAFE | settings)
    app.config.update(late)
    target = Target(app, Config.from_toml(HYPERCORN))
    return asyncio.run(_run(target, without=NEED_TABLES))


async def _run(target: Target, *, without: set[str]) -> list[Finding]:
    async with target.app.app_context():
        found, _ = await run_rules(target, deploy=True, without=without)
        return found


def test_a_safe_configuration_has_no_finding(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


def test_a_trusted_origin_of_ones_own_is_safe(tmp_path: Path) -> None:
    assert findings(tmp_path, WTF_CSRF_TRUSTED_ORIGINS=["https://crm.example.com"]) == []


@pytest.mark.parametrize(("key", "value", "named"), UNSAFE, ids=lambda value: str(value)[:40])
def test_each_unsafe_setting_is_the_one_finding(
    tmp_path: Path, key: str, value: Any, named: str
) -> None:
    (finding,) = findings(tmp_path, **{key: value})

    assert finding.setting == named
    assert finding.remedy


def test_several_workers_need_redis(tmp_path: Path) -> None:
    app = create_app("production", INSTANCE=str(tmp_path), **SAFE)
    target = Target(app, Config.from_toml(HYPERCORN), workers=2)
    found = asyncio.run(_run(target, without=NEED_TABLES))
    assert {(each.id, each.setting) for each in found} >= {("QD601", "CRM_SOCKETS_BACKEND")}


def test_another_configuration_than_production_is_named(tmp_path: Path) -> None:
    app = create_app("testing", INSTANCE=str(tmp_path))
    others = {each.id for each in rules_of(app)} - {"CRM003"}
    (finding,) = asyncio.run(_run(Target(app), without=others))
    assert str(finding) == "'CRM_CONFIG' is 'testing'. Set it to 'production'."
