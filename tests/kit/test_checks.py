"""``quarterdeck check``: each rule finds its problem, and nothing else is found."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.app import Quart
from quarterdeck.checks import (
    Checks,
    Finding,
    Problem,
    Severity,
    Target,
    rule,
    rules_of,
    run_rules,
    weakness_of,
)
from quarterdeck.exceptions import ConfigurationError, ServerConfigurationError
from quarterdeck.logging import Logging
from quarterdeck.login import LoginManager
from quarterdeck.mail import Mail
from quarterdeck.security import Security
from quarterdeck.security.limits import Limiter, limit
from quarterdeck.serving import Config
from quarterdeck.serving.supervisor.refusals import refuse_unsafe
from quarterdeck.session import Session
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import CSRFProtect

pytestmark = pytest.mark.feature("AP6")


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Take back the level that ``LOG_LEVELS`` sets for the process."""
    yield
    logging.getLogger("asyncio").setLevel(logging.NOTSET)


KEY = "only-for-these-tests-0123456789abcdef"
POSTGRESQL = "postgresql://shop:s3cret@db.example.com/shop"
MYSQL = "mysql+aiomysql://shop:s3cret@127.0.0.1/shop"
SAFE: dict[str, Any] = {
    "SECRET_KEY": KEY,
    "TRUSTED_HOSTS": ["shop.example.com"],
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_TYPE": "sqlalchemy",
    "SESSION_ABSOLUTE_SECONDS": 86400,
    "LOGIN_REMEMBER_BY": "session",
    "SQLALCHEMY_DATABASE_URI": MYSQL,
    "MAIL_BACKEND": "smtp",
    "MAIL_DEFAULT_SENDER": "shop@example.com",
}
SERVER: dict[str, Any] = {"accesslog": "-", "read_timeout": 60, "include_server_header": False}
COOKIE = {"LOGIN_REMEMBER_BY": "cookie"}
MAIL = {"MAIL_SERVER": "mail.example.com", "MAIL_USERNAME": "a", "MAIL_PASSWORD": "s3cret"}

# The rule, the keys of the app that break it, those of the server.
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("QD001", {"SECRET_KEY": "secret"}, {}),
    ("QD001", {"SECRET_KEY": "short"}, {}),
    ("QD002", {"SECRET_KEY_FALLBACKS": [KEY, "old"]}, {}),
    ("QD003", {"DEBUG": True}, {}),
    ("QD004", {"TESTING": True, "MAIL_SUPPRESS_SEND": False}, {}),
    ("QD005", {"PROPAGATE_EXCEPTIONS": True}, {}),
    ("QD006", {"TRUSTED_HOSTS": None}, {}),
    ("QD007", {"TRUSTED_HOSTS": ["*.example.com"]}, {}),
    ("QD007", {"TRUSTED_HOSTS": [".com"]}, {}),
    ("QD008", {"MAX_CONTENT_LENGTH": None}, {}),
    ("QD009", {"BODY_TIMEOUT": None}, {}),
    ("QD010", {"MAX_FORM_MEMORY_SIZE": None}, {}),
    ("QD011", {"MAX_FORM_PARTS": None}, {}),
    ("QD012", {"RESPONSE_TIMEOUT": None}, {}),
    ("QD013", {"SESSION_COOKIE_SECURE": False}, {}),
    ("QD014", {"SESSION_COOKIE_HTTPONLY": False}, {}),
    ("QD015", {"SESSION_COOKIE_SAMESITE": "None"}, {}),
    ("QD016", {"SESSION_COOKIE_DOMAIN": "example.com"}, {}),
    ("QD017", {"WEBSOCKET_MAX_CONNECTIONS": 10**9}, {}),
    ("QD018", {"WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS": 10**9}, {}),
    ("QD019", {"TEMPLATES_AUTO_RELOAD": True}, {}),
    ("QD101", {"SESSION_TYPE": "null"}, {}),
    ("QD102", {"SESSION_IDLE_SECONDS": 10**9}, {}),
    ("QD103", {"SESSION_ABSOLUTE_SECONDS": None}, {}),
    ("QD201", {"LOGIN_DISABLED": True}, {}),
    ("QD202", {"LOGIN_HASH_TIME_COST": 1}, {}),
    ("QD203", {"LOGIN_HASH_MEMORY_COST": 64}, {}),
    ("QD204", COOKIE, {}),
    ("QD205", COOKIE | {"REMEMBER_COOKIE_SECURE": False}, {}),
    ("QD206", COOKIE | {"REMEMBER_COOKIE_HTTPONLY": False}, {}),
    ("QD207", COOKIE | {"REMEMBER_COOKIE_DURATION": 10**9}, {}),
    ("QD301", {"WTF_CSRF_ENABLED": False}, {}),
    ("QD302", {"WTF_CSRF_CHECK_DEFAULT": False}, {}),
    ("QD303", {"WTF_CSRF_SSL_STRICT": False}, {}),
    ("QD304", {"WTF_CSRF_TRUSTED_ORIGINS": ["https://evil.example"]}, {}),
    ("QD305", {"WTF_CSRF_SECRET_KEY": "short"}, {}),
    ("QD401", {"SQLALCHEMY_DATABASE_URI": "sqlite:///shop.db"}, {}),
    ("QD402", {"SQLALCHEMY_ECHO": True}, {}),
    ("QD403", {"SQLALCHEMY_DATABASE_URI": MYSQL.replace("shop:", "root:")}, {}),
    ("QD404", {"SQLALCHEMY_DATABASE_URI": MYSQL.replace(":s3cret", "")}, {}),
    ("QD405", {"SQLALCHEMY_DATABASE_URI": MYSQL.replace("127.0.0.1", "db.example.com")}, {}),
    ("QD405", {"SQLALCHEMY_DATABASE_URI": f"{POSTGRESQL}?sslmode=prefer"}, {}),
    ("QD406", {"SQLALCHEMY_POOL_SIZE": 200}, {}),
    (
        "QD406",
        {"SQLALCHEMY_DATABASE_URI": f"{POSTGRESQL}?sslmode=require", "SQLALCHEMY_POOL_SIZE": 100},
        {},
    ),
    ("QD601", {"SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:"}, {"workers": 2}),
    ("QD602", {}, {"bind": ["0.0.0.0:8000"]}),
    ("QD602", {}, {"bind": ["[::]:8000"]}),
    ("QD603", {}, {"read_timeout": None}),
    ("QD604", {}, {"write_timeout": 0}),
    ("QD605", {}, {"keep_alive_timeout": 3600}),
    ("QD606", {}, {"websocket_ping_interval": None}),
    ("QD607", {}, {"h11_max_incomplete_size": 2**20}),
    ("QD608", {}, {"websocket_max_message_size": 2**30}),
    ("QD609", {}, {"http2_cleartext": True}),
    ("QD610", {}, {"include_server_header": True}),
    ("QD611", {}, {"keyfile": "KEY"}),
    ("QD612", {}, {"accesslog": None}),
    ("QD613", {}, {"graceful_timeout": 0}),
    ("QD701", {"LOG_TRUST_REQUEST_ID": True}, {}),
    ("QD702", {"LOG_LEVEL": "DEBUG"}, {}),
    ("QD702", {"LOG_LEVELS": {"of.no.library": "debug"}}, {}),
    ("QD801", {"MAIL_BACKEND": "console"}, {}),
    ("QD801", {"MAIL_SUPPRESS_SEND": True}, {}),
    ("QD802", MAIL, {}),
    ("QD803", {"MAIL_DEFAULT_SENDER": None, "MAIL_SERVER": "mail.example.com"}, {}),
    ("QD901", {"TRUSTED_PROXIES": ["0.0.0.0/0"]}, {}),
    ("QD902", {"STRICT_TRANSPORT_SECURITY": "max-age=60"}, {}),
    ("QD911", {"RATELIMIT_ENABLED": False}, {}),
]
# They have a test of their own below.
OTHERS = {"QD020", "QD021", "QD022", "QD023", "QD024", "QD208", "QD903"}
# Rules of which another one is a part.
WITH = {"QD205": {"QD204"}, "QD206": {"QD204"}, "QD207": {"QD204"}, "QD601": {"QD401"}}


def make_app(settings: dict[str, Any], **csp: Any) -> Quart:
    app = Quart("tests")
    app.config.update(SAFE | settings)
    Security(app, **csp)
    Logging(app)
    db = SQLAlchemy(app)
    app.config["SESSION_SQLALCHEMY"] = lambda: db.engine
    for extension in (Session, CSRFProtect, LoginManager, Mail, Limiter):
        extension(app)
    return app


def find(app: Quart, workers: int = 1, **server: Any) -> list[Finding]:
    """Return the findings, except that no database is there."""
    config = Config()
    for name, value in (SERVER | server).items():
        setattr(config, name, value)

    async def run() -> list[Finding]:
        async with app.app_context():
            target = Target(app, config, workers)
            found, silenced = await run_rules(target, deploy=True, without={"QD020"})
            assert not silenced
            return found

    return asyncio.run(run())


def test_a_safe_app_has_no_finding() -> None:
    assert find(make_app({})) == []


@pytest.mark.parametrize(
    ("id", "settings", "server"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_rule_finds_its_problem_and_no_other(
    id: str, settings: dict[str, Any], server: dict[str, Any], tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.touch(0o644)
    server = {name: str(key) if value == "KEY" else value for name, value in server.items()}

    found = find(make_app(settings), **server)

    assert {each.id for each in found} == {id} | WITH.get(id, set())
    for each in found:
        assert each.remedy.endswith((".", "'."))
        assert "s3cret" not in str(each)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("MAX_CONTENT_LENGTH", "4MB"),
        ("MAX_FORM_PARTS", True),
        ("BODY_TIMEOUT", "ten"),
        ("PERMANENT_SESSION_LIFETIME", "1h"),
        ("SESSION_COOKIE_SECURE", "no"),
        ("SESSION_COOKIE_SAMESITE", "laxx"),
    ],
)
def test_a_value_that_quart_cannot_use_is_found_before_a_request(key: str, value: object) -> None:
    app = make_app({})
    app.config[key] = value  # as 'from_prefixed_env' leaves a text that is no JSON

    found = [each for each in find(app) if each.id == "QD023"]

    assert [each.setting for each in found] == [key]
    assert found[0].problem == f"is {value!r}"
    with pytest.raises(ConfigurationError, match=f"'{key}' is {value!r}. Set it to "):
        refuse_unsafe(app, 1)


def test_the_remedy_for_sessions_in_a_cookie_works_as_it_stands() -> None:
    app = Quart("tests")
    app.config.update(SAFE | {"SESSION_TYPE": None})
    Security(app)
    Session(app)

    (found,) = find(app)

    assert found.remedy == (
        "Set it to 'redis', or to 'sqlalchemy' with 'SESSION_SQLALCHEMY = lambda: db.engine'."
    )


def test_each_rule_of_the_kit_has_a_case() -> None:
    known = [each.id for each in rules_of(make_app({}))]
    assert len(known) == len(set(known)) >= 25
    assert set(known) == {id for id, *_ in CASES} | OTHERS


def test_a_bare_app_lacks_headers() -> None:
    app = Quart("tests")
    app.config.update(SAFE)
    assert [each.id for each in find(app)] == ["QD021"]


def test_a_sign_in_page_that_does_not_exist() -> None:
    app = make_app({"LOGIN_VIEW": "auth.login"})
    app.add_url_rule("/sign-in", "auth_login", dict)
    app.login_manager.blueprint_login_views = {"api": None, "shop": "/sign-in"}  # type: ignore[attr-defined]
    (found,) = find(app)
    assert (found.id, found.remedy) == ("QD208", "Did you mean 'auth_login'?")
    assert "'LOGIN_VIEW' is 'auth.login', which is no endpoint of the app." in str(found)
    app.login_manager.login_view = "auth_login"  # type: ignore[attr-defined]
    assert find(app) == []


def test_views_without_csrf_protection() -> None:
    app = Quart("tests")
    app.config.update(SAFE)
    Security(app)
    app.add_url_rule("/", "index", dict)
    assert find(app) == []
    app.add_url_rule("/ships", "ships", dict, methods=["GET", "POST"])
    app.add_url_rule("/ship", "remove", dict, methods=["DELETE"])
    (found,) = find(app)
    assert found.id == "QD024"
    assert "is not in use: other sites can send requests to 'remove' and 1 more" in str(found)
    app.config["SECRET_KEY"] = None
    assert [each.id for each in find(app)] == ["QD001"], "without a key there are no sessions"
    app.config.update(SAFE)
    CSRFProtect(app)
    assert find(app) == []


def test_a_decorator_without_its_extension() -> None:
    app = Quart("tests")
    app.config.update(SAFE)
    Security(app)

    async def view() -> str:
        return "open"

    app.add_url_rule("/", view_func=limit("5/minute")(view))
    (found,) = find(app)
    assert found.id == "QD022"
    assert str(found).startswith("'@limit' of 'view' has no effect: the app has no 'Limiter'.")


@pytest.mark.parametrize(
    "changes",
    [
        {"content_security_policy": {"script-src": "'self' 'unsafe-inline'"}},
        {"content_security_policy": {"default-src": "'self' 'unsafe-eval'"}},
        {"content_security_policy_report_only": True},
    ],
)
def test_a_policy_that_lets_injected_scripts_run(changes: dict[str, Any]) -> None:
    assert [each.id for each in find(make_app({}, **changes))] == ["QD903"]


def test_a_dependency_that_does_not_answer_is_found_without_deploy() -> None:
    app = make_app({"SQLALCHEMY_DATABASE_URI": MYSQL.replace("@127.0.0.1/", "@127.0.0.1:1/")})

    async def run() -> list[Finding]:
        async with app.app_context():
            return (await run_rules(Target(app)))[0]

    found = asyncio.run(run())
    assert {(each.id, each.severity) for each in found} == {("QD020", Severity.ERROR)}
    assert "s3cret" not in str(found)


@rule("SHOP1", Severity.INFO, "The shop is closed.")
def closed(target: Target) -> Iterator[Problem]:
    yield Problem("SHOP_OPEN", "is off", "Open it.")


def test_rules_of_an_app_its_names_and_what_it_accepts() -> None:
    app = make_app({"DEBUG": True})
    Checks(app, rules=[closed], written_as=lambda key: f"APP_{key}")
    assert list(map(str, find(app))) == [
        "'APP_DEBUG' is on: visitors see tracebacks. Remove it.",
        "'APP_SHOP_OPEN' is off. Open it.",
    ]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "is not set"),
        ("Hard to guess string", "is one that everybody knows"),
        (b"x" * 31, "is shorter than 32 characters"),
        ("ab" * 20, "has fewer than 8 different characters"),
        (KEY, None),
        (KEY.encode(), None),
    ],
)
def test_a_secret_that_can_be_guessed(key: object, problem: str | None) -> None:
    assert weakness_of(key) == problem


APP = """
import os
from quart import Quart
from quarterdeck.checks import Checks

app = Quart(__name__)
app.config["TRUSTED_HOSTS"] = ["a.example"]
app.config["CHECKS_SILENCED"] = "QD021,QD015," + os.environ.get("ALSO", "")
Checks(app)
"""


def check(folder: Path, *words: str, also: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(APP)
    command = [sys.executable, "-m", "quarterdeck", "check", "app:app", *words]
    environment = os.environ | {"ALSO": also}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_works_for_any_app(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.returncode, done.stdout) == (0, "Nothing to complain about.\n")

    (tmp_path / "hypercorn.toml").write_text(
        'bind = ["0.0.0.0:80"]\nread_timeout = 60\ninclude_server_header = true\n'
    )
    done = check(tmp_path, "--deploy")
    assert done.returncode == 1
    assert done.stdout == LINES


LINES = """\
error   QD001  'SECRET_KEY' is not set. Set it to the output of 'python -c "import secrets; \
print(secrets.token_urlsafe(48))"'.
error   QD013  'SESSION_COOKIE_SECURE' is off: cookies are sent over plain http. Serve https, and \
set it to True.
warning QD602  'bind' is '0.0.0.0:80' without TLS: passwords cross the network in plain text. \
Bind to 127.0.0.1 behind a proxy with TLS, or set 'certfile' and 'keyfile'.
info    QD610  'include_server_header' is on: responses name the server. Set it to false in \
hypercorn.toml.
info    QD612  'accesslog' is not set: requests leave no trace. Set it to '-'.
Silenced: QD015, QD021.
"""


def test_json_and_the_level_that_fails(tmp_path: Path) -> None:
    (tmp_path / "hypercorn.toml").write_text('bind = ["0.0.0.0:80"]\nread_timeout = 60\n')
    done = check(tmp_path, "--deploy", "--json", "--fail-level", "error")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["findings"][1] == {
        "id": "QD013",
        "severity": "error",
        "setting": "SESSION_COOKIE_SECURE",
        "problem": "is off: cookies are sent over plain http",
        "remedy": "Serve https, and set it to True.",
    }
    assert {each["id"] for each in document["silenced"]} == {"QD015", "QD021"}

    done = check(tmp_path, "--deploy", "--fail-level", "error", also="QD001,QD013")
    assert (done.returncode, "QD602" in done.stdout) == (0, True)


def test_a_wrong_file_of_the_server_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "hypercorn.toml").write_text("bindd = 1")
    done = check(tmp_path)
    assert done.returncode == 1
    assert "'bindd'" in done.stderr
    assert ServerConfigurationError.__name__ not in done.stderr
