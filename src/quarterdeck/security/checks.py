"""Rules for headers and proxies, for ``quarterdeck check``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quarterdeck._findings import Problem, Severity, Target, rule

MIN_TRANSPORT_SECONDS = 30 * 24 * 3600
EVERYONE = ("0.0.0.0/0", "::/0")


@rule("QD901", Severity.ERROR, "`TRUSTED_PROXIES` holds everyone: clients can forge their address.")
def everyone(target: Target) -> Iterator[Problem]:
    names = target.get("TRUSTED_PROXIES") or ()
    for name in names.split(",") if isinstance(names, str) else names:
        if name.strip() in EVERYONE:
            problem = f"holds {name.strip()!r}: every client can forge its address and scheme"
            yield Problem("TRUSTED_PROXIES", problem, "List the addresses of your proxies.")


@rule("QD902", Severity.WARNING, "Browsers may return to plain http within 30 days.")
def transport_security(target: Target) -> Iterator[Problem]:
    value = str(target.get("STRICT_TRANSPORT_SECURITY") or "")
    seconds = re.search(r"max-age=\"?(\d+)", value)
    if seconds is None or int(seconds[1]) < MIN_TRANSPORT_SECONDS:
        problem = f"is {value!r}: browsers may return to plain http"
        yield Problem("STRICT_TRANSPORT_SECURITY", problem, "Set it to 'max-age=31536000'.")


@rule("QD903", Severity.WARNING, "The content security policy allows inline scripts or `eval`.")
def inline_scripts(target: Target) -> Iterator[Problem]:
    policy = target.app.extensions["security"].policy
    directives = policy.directives or {}
    sources = directives.get("script-src") or directives.get("default-src") or ""
    for unsafe in ("'unsafe-inline'", "'unsafe-eval'"):
        if unsafe in sources:
            problem = f"allows {unsafe}: injected scripts run"
            yield Problem("content_security_policy", problem, "Use 'csp_nonce()' in templates.")
    if policy.content_security_policy_report_only:
        problem = "is only reported: injected scripts run"
        remedy = "Remove 'content_security_policy_report_only'."
        yield Problem("content_security_policy", problem, remedy)


RULES = (everyone, transport_security, inline_scripts)
