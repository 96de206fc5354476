"""Rules for any Quart app, with or without rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from quarterdeck._findings import Problem, Severity, Target, rule
from quarterdeck._marks import refuse_marks_without_extension
from quarterdeck._quart_keys import wrong_values
from quarterdeck._state import states_of
from quarterdeck._weak_secrets import REMEDY, weakness_of
from quarterdeck.exceptions import MarkWithoutExtensionError, QuarterdeckError

MAX_BODY = 2**30
MAX_WEBSOCKETS = 100_000
SAFE_SAME_SITE = ("lax", "strict")
CHECK_SECONDS = 10.0
UNSAFE = {"DELETE", "PATCH", "POST", "PUT"}


@rule("QD001", Severity.ERROR, "`SECRET_KEY` is missing, known or short: sessions can be forged.")
def secret_key(target: Target) -> Iterator[Problem]:
    if problem := weakness_of(target.get("SECRET_KEY")):
        yield Problem("SECRET_KEY", problem, REMEDY)


@rule("QD002", Severity.ERROR, "A key in `SECRET_KEY_FALLBACKS` can be guessed.")
def old_keys(target: Target) -> Iterator[Problem]:
    for key in target.get("SECRET_KEY_FALLBACKS") or ():
        if problem := weakness_of(key):
            yield Problem("SECRET_KEY_FALLBACKS", f"holds a key that {problem}", "Remove this key.")
            return


@rule("QD003", Severity.ERROR, "`DEBUG` is on: visitors see tracebacks.")
def debug(target: Target) -> Iterator[Problem]:
    if target.app.debug:
        yield Problem("DEBUG", "is on: visitors see tracebacks", "Remove it.")


@rule("QD004", Severity.ERROR, "`TESTING` is on: errors reach the server, and guards are weaker.")
def testing(target: Target) -> Iterator[Problem]:
    if target.app.testing:
        yield Problem("TESTING", "is on: errors end requests without a page", "Remove it.")


@rule(
    "QD005", Severity.WARNING, "`PROPAGATE_EXCEPTIONS` is on: errors end requests without a page."
)
def propagation(target: Target) -> Iterator[Problem]:
    if target.get("PROPAGATE_EXCEPTIONS"):
        problem = "is on: errors end requests without a page"
        yield Problem("PROPAGATE_EXCEPTIONS", problem, "Remove it.")


@rule(
    "QD006", Severity.WARNING, "`TRUSTED_HOSTS` is not set: links can name the host of a stranger."
)
def hosts(target: Target) -> Iterator[Problem]:
    if not target.get("TRUSTED_HOSTS"):
        remedy = "List the names that the site is reached by."
        yield Problem("TRUSTED_HOSTS", "is not set", remedy)


@rule("QD007", Severity.ERROR, "`TRUSTED_HOSTS` admits hosts of strangers.")
def wide_hosts(target: Target) -> Iterator[Problem]:
    for host in target.get("TRUSTED_HOSTS") or ():
        name = str(host).lstrip(".")
        if "*" in name or ("." not in name and str(host).startswith(".")) or not name:
            problem = f"holds {host!r}, which admits hosts of strangers"
            yield Problem("TRUSTED_HOSTS", problem, "List the full names.")


@rule("QD008", Severity.WARNING, "`MAX_CONTENT_LENGTH` is unlimited or over 1 GiB.")
def body_size(target: Target) -> Iterator[Problem]:
    most = target.get("MAX_CONTENT_LENGTH")
    if most is None or most > MAX_BODY:
        problem = "is unlimited or over 1 GiB: a few uploads can fill the disk"
        yield Problem("MAX_CONTENT_LENGTH", problem, "Set it to the largest file you need.")


def _unlimited(key: str) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if key in target.app.config and target.get(key) is None:
            problem = "is None: one client can hold memory or a connection"
            yield Problem(key, problem, "Remove it.")

    return find


body_time = rule("QD009", Severity.WARNING, "`BODY_TIMEOUT` is unlimited.")(
    _unlimited("BODY_TIMEOUT")
)
form_memory = rule("QD010", Severity.WARNING, "`MAX_FORM_MEMORY_SIZE` is unlimited.")(
    _unlimited("MAX_FORM_MEMORY_SIZE")
)
form_parts = rule("QD011", Severity.WARNING, "`MAX_FORM_PARTS` is unlimited.")(
    _unlimited("MAX_FORM_PARTS")
)
response_time = rule("QD012", Severity.WARNING, "`RESPONSE_TIMEOUT` is unlimited.")(
    _unlimited("RESPONSE_TIMEOUT")
)


@rule("QD013", Severity.ERROR, "`SESSION_COOKIE_SECURE` is off: cookies are sent over plain http.")
def cookie_secure(target: Target) -> Iterator[Problem]:
    if not target.get("SESSION_COOKIE_SECURE"):
        problem = "is off: cookies are sent over plain http"
        yield Problem("SESSION_COOKIE_SECURE", problem, "Serve https, and set it to True.")


@rule("QD014", Severity.ERROR, "`SESSION_COOKIE_HTTPONLY` is off: scripts can read the session.")
def cookie_http_only(target: Target) -> Iterator[Problem]:
    if not target.get("SESSION_COOKIE_HTTPONLY"):
        problem = "is off: scripts can read the session"
        yield Problem("SESSION_COOKIE_HTTPONLY", problem, "Remove it.")


@rule("QD015", Severity.WARNING, "`SESSION_COOKIE_SAMESITE` lets other sites send the session.")
def cookie_same_site(target: Target) -> Iterator[Problem]:
    value = target.get("SESSION_COOKIE_SAMESITE")
    if str(value).lower() not in SAFE_SAME_SITE:
        problem = f"is {value!r}: other sites can send requests with the session"
        yield Problem("SESSION_COOKIE_SAMESITE", problem, "Set it to 'Lax'.")


@rule("QD016", Severity.WARNING, "`SESSION_COOKIE_DOMAIN` sends the session to all subdomains.")
def cookie_domain(target: Target) -> Iterator[Problem]:
    if domain := target.get("SESSION_COOKIE_DOMAIN"):
        problem = f"is {domain!r}: every subdomain receives the session, and can set it"
        yield Problem("SESSION_COOKIE_DOMAIN", problem, "Remove it, unless they share it.")


def _no_limit(key: str) -> Any:
    def find(target: Target) -> Iterator[Problem]:
        if target.get(key, 0) > MAX_WEBSOCKETS:
            problem = f"is {target.get(key)}: that is no limit"
            yield Problem(key, problem, "Set it to the number that you serve.")

    return find


websockets = rule("QD017", Severity.WARNING, "`WEBSOCKET_MAX_CONNECTIONS` is no limit.")(
    _no_limit("WEBSOCKET_MAX_CONNECTIONS")
)
websockets_per_address = rule(
    "QD018", Severity.WARNING, "`WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS` is no limit."
)(_no_limit("WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS"))


@rule("QD019", Severity.INFO, "`TEMPLATES_AUTO_RELOAD` is on: each page looks for changed files.")
def template_reload(target: Target) -> Iterator[Problem]:
    if target.get("TEMPLATES_AUTO_RELOAD"):
        problem = "is on: each page looks for changed files"
        yield Problem("TEMPLATES_AUTO_RELOAD", problem, "Remove it.")


@rule(
    "QD020", Severity.ERROR, "A dependency (database, session store) does not answer.", deploy=False
)
async def dependencies(target: Target) -> AsyncIterator[Problem]:
    checks: dict[str, Any] = {}
    for state in states_of(target.app):
        if (contribute := getattr(state, "health_checks", None)) is not None:
            checks |= contribute()
    for name, check in checks.items():
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await check()
        except QuarterdeckError as error:  # its text names the setting and the remedy
            yield Problem(None, str(error), "")
        except Exception as error:  # whatever a check raises is the finding
            text = str(error) or f"no answer within {CHECK_SECONDS:g} s"
            yield Problem(name, f"does not answer: {text}", "Start it, or correct its setting.")


@rule("QD021", Severity.WARNING, "Responses lack the headers that make browsers strict.")
def headers(target: Target) -> Iterator[Problem]:
    if "security" not in target.app.extensions:
        problem = "is not in use: responses lack the headers that make browsers strict"
        yield Problem("quarterdeck.security", problem, "Add 'Security(app)'.")


@rule(
    "QD022",
    Severity.ERROR,
    "A decorator has no effect, because its extension is missing.",
    deploy=False,
)
def decorators(target: Target) -> Iterator[Problem]:
    try:
        refuse_marks_without_extension(target.app)
    except MarkWithoutExtensionError as error:
        yield Problem(None, str(error), "")


@rule("QD023", Severity.ERROR, "A key of Quart has a value that Quart cannot use.", deploy=False)
def quart_keys(target: Target) -> Iterator[Problem]:
    for wrong in wrong_values(target.app.config):
        yield Problem(*wrong)


@rule("QD024", Severity.WARNING, "Other sites can send requests as your users.")
def forgery(target: Target) -> Iterator[Problem]:
    has_sessions = target.get("SECRET_KEY") or "session" in target.app.extensions
    if "csrf" in target.app.extensions or not has_sessions:
        return
    rules = target.app.url_map.iter_rules()
    changing = sorted({each.endpoint for each in rules if UNSAFE & (each.methods or set())})
    if changing:
        more = f" and {len(changing) - 1} more" if len(changing) > 1 else ""
        yield Problem(
            "CSRFProtect",
            f"is not in use: other sites can send requests to '{changing[0]}'{more} as your users",
            "Add 'CSRFProtect(app)' from quarterdeck.wtf. If no view relies on a cookie, silence "
            "QD024.",
        )


RULES = (
    secret_key, old_keys, debug, testing, propagation, hosts, wide_hosts, body_size, body_time,
    form_memory, form_parts, response_time, cookie_secure, cookie_http_only, cookie_same_site,
    cookie_domain, websockets, websockets_per_address, template_reload, dependencies, headers,
    decorators, quart_keys, forgery,
)  # fmt: skip
