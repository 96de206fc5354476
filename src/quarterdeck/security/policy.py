"""The policy of an app or of a view, and the headers that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from .content_security_policy import Directives, header_value, parse

_FRAME_OPTIONS = {"'none'": b"DENY", "'self'": b"SAMEORIGIN"}

Pairs = list[tuple[bytes, bytes]]


class Changes(TypedDict, total=False):
    """The parts of a policy that an app or a view changes.

    Attributes:
        content_security_policy: Directives with their values, merged into those that apply
            otherwise; None instead of a value removes a directive. A text replaces all of them.
            None sends no such header.
        content_security_policy_report_only: Whether browsers only report what they would block.
        referrer_policy: The value of the header ``Referrer-Policy``; None sends no such header.
        permissions_policy: The value of ``Permissions-Policy``, or None.
        cross_origin_opener_policy: The value of ``Cross-Origin-Opener-Policy``, or None.
        cross_origin_resource_policy: The value of ``Cross-Origin-Resource-Policy``, or None.
    """

    content_security_policy: Mapping[str, str | Sequence[str] | None] | str | None
    content_security_policy_report_only: bool
    referrer_policy: str | None
    permissions_policy: str | None
    cross_origin_opener_policy: str | None
    cross_origin_resource_policy: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What browsers may do with a response; the defaults are strict.

    ``X-Frame-Options`` follows the directive ``frame-ancestors``.
    """

    directives: Directives
    content_security_policy_report_only: bool = False
    referrer_policy: str | None = "same-origin"
    permissions_policy: str | None = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    cross_origin_opener_policy: str | None = "same-origin"
    cross_origin_resource_policy: str | None = "same-origin"

    def changed(self, changes: Changes) -> Policy:
        """Return the policy with changes.

        Raises:
            SecurityPolicyError: If a directive is unknown, or a value cannot be in a header.
        """
        rest: dict[str, Any] = dict(changes)
        if "content_security_policy" in rest:
            rest["directives"] = parse(rest.pop("content_security_policy"), self.directives)
        policy = replace(self, **rest)
        for name, value in policy._texts():
            header_value(name, value)
        return policy

    def headers(self, nonce: str | None = None) -> Pairs:
        """Return the headers, with a nonce for scripts and styles if there is one."""
        found = [(b"x-content-type-options", b"nosniff")]
        if self.directives:
            name = b"content-security-policy"
            if self.content_security_policy_report_only:
                name += b"-report-only"
            found.append((name, self.directives.render(nonce).encode("ascii")))
        frames = _FRAME_OPTIONS.get(self.directives.get("frame-ancestors", ""))
        if frames is not None and not self.content_security_policy_report_only:
            found.append((b"x-frame-options", frames))
        found += [(name.encode(), value.encode("ascii")) for name, value in self._texts()]
        return found

    def _texts(self) -> list[tuple[str, str]]:
        values = {
            "referrer-policy": self.referrer_policy,
            "permissions-policy": self.permissions_policy,
            "cross-origin-opener-policy": self.cross_origin_opener_policy,
            "cross-origin-resource-policy": self.cross_origin_resource_policy,
        }
        return [(name, value) for name, value in values.items() if value is not None]
