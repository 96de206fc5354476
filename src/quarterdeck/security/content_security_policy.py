"""The directives of a Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Self

from quarterdeck.exceptions import SecurityPolicyError

# Of CSP level 3 and the documents that add to it. Browsers ignore a misspelt one silently.
_SOURCES = {
    *("child-src", "connect-src", "default-src", "fenced-frame-src", "font-src", "frame-src"),
    *("img-src", "manifest-src", "media-src", "object-src", "script-src", "script-src-attr"),
    *("script-src-elem", "style-src", "style-src-attr", "style-src-elem", "worker-src"),
}
_KNOWN = _SOURCES | {
    *("base-uri", "form-action", "frame-ancestors", "report-to", "report-uri"),
    *("require-trusted-types-for", "sandbox", "trusted-types", "upgrade-insecure-requests"),
    "webrtc",
}
_WITH_NONCE = ("script-src", "style-src")
_NONCE_IF_SET = ("script-src-elem", "style-src-elem")


class Directives(dict[str, str]):
    """Directives and their values, in the order in which they are sent."""

    def render(self, nonce: str | None = None) -> str:
        """Return the value of the header."""
        directives = self if nonce is None else self._with_nonce(nonce)
        return "; ".join(f"{name} {value}".rstrip() for name, value in directives.items())

    def _with_nonce(self, nonce: str) -> Self:
        added = type(self)(self)
        for name in (*_WITH_NONCE, *(name for name in _NONCE_IF_SET if name in self)):
            value = self.get(name, self.get("default-src"))
            if value is not None:  # else nothing is forbidden
                value = "" if value == "'none'" else value
                added[name] = f"{value} 'nonce-{nonce}'".strip()
        return added


#: Scripts, styles and everything else from the app itself only. Bootstrap's icons in CSS are
#: ``data:`` images.
STRICT = Directives(
    {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
)


def parse(
    policy: Mapping[str, str | Sequence[str] | None] | str | None, base: Directives
) -> Directives:
    """Return the directives of a policy; those of a mapping are merged into ``base``.

    Raises:
        SecurityPolicyError: If a directive is unknown, or a value cannot be in a header.
    """
    if policy is None:
        return Directives()
    if isinstance(policy, str):
        parts = (part.split(None, 1) for part in policy.split(";") if part.strip())
        policy = {name: "".join(value) for name, *value in parts}
        base = Directives()
    found = Directives(base)
    for name, value in policy.items():
        _check_name(name)
        if value is None:
            found.pop(name, None)
            continue
        joined = value if isinstance(value, str) else " ".join(value)
        if ";" in joined or "," in joined:
            raise SecurityPolicyError(
                name, f"has the value {joined!r}", "Separate its sources by spaces."
            )
        found[name] = header_value(name, joined).strip()
    return found


def header_value(name: str, value: str) -> str:
    """Return a value that can be in a header.

    Raises:
        SecurityPolicyError: If it holds other characters than printable ASCII.
    """
    if not (value.isascii() and value.isprintable()):
        raise SecurityPolicyError(name, f"has the value {value!r}", "Use printable ASCII only.")
    return value


def _check_name(name: str) -> None:
    if name not in _KNOWN:
        near = get_close_matches(name, _KNOWN)
        remedy = f"Did you mean '{near[0]}'?" if near else "Remove it."
        raise SecurityPolicyError(name, "is no directive of a Content-Security-Policy", remedy)
