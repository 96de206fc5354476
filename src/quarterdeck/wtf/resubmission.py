"""Forms that were refused because of the browser session, with their entries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer
from markupsafe import Markup
from quart import current_app, g, request

from quarterdeck._navigation import is_navigation
from quarterdeck._quart import unwrap
from quarterdeck.exceptions import CSRFError

from .config import is_token_field, settings, signing_keys
from .marks import REDISPLAY
from .origin import Origin

MAX_ENTRIES = 5000
MAX_LENGTH = 200_000  # characters of all names and values together
MAX_BODY = 1_500_000  # bytes: a larger body is not read for a visitor

_INPUT = Markup('<input type="hidden" name="{}" value="{}">')


@dataclass(frozen=True, slots=True)
class Resubmission:
    """A form that was sent and refused, to be shown again by its own view.

    Attributes:
        action: The path and query that it was sent to.
        entries: The names and values, without the CSRF token.
        has_files: Whether files were sent. They are not kept: the user chooses them again.
    """

    action: str
    entries: tuple[tuple[str, str], ...]
    has_files: bool

    @classmethod
    async def from_request(cls, *, exclude: Collection[str] = ()) -> Self | None:
        """Return the form of the current request.

        Args:
            exclude: The names of entries that must not be kept, such as passwords.

        Returns:
            None if the form cannot be shown again: its view is not marked by
            ``CSRFProtect.redisplay``, it comes from another site or from a script, it holds no
            entry, or it is too large.
        """
        if not is_redisplayable() or (request.content_length or 0) > MAX_BODY:
            return None
        form, files = await request.form, await request.files
        entries = tuple(
            (name, value)
            for name, value in form.items(multi=True)
            if name not in exclude and not is_token_field(name, settings().field_name)
        )
        length = sum(len(name) + len(value) for name, value in entries)
        if not any(value.strip() for _, value in entries):
            return None
        if len(entries) > MAX_ENTRIES or length > MAX_LENGTH:
            return None
        here = urlsplit(request.url)
        action = here.path + (f"?{here.query}" if here.query else "")
        return cls(action, entries, any(file.filename for file in files.values()))

    @classmethod
    def loads(cls, text: str) -> Self | None:
        """Return the form that ``dumps`` wrote; None if the text was not written by this app."""
        try:
            action, entries, has_files = _signer().loads(text)
        except BadData:
            return None
        return cls(action, tuple((name, value) for name, value in entries), has_files)

    def dumps(self) -> str:
        """Return the form as signed text, for a hidden field of the sign-in page."""
        return str(_signer().dumps([self.action, self.entries, self.has_files]))

    def hidden_tag(self) -> Markup:
        """Return the entries as hidden fields, without a token: their view shows them again."""
        return Markup("\n").join(_INPUT.format(name, value) for name, value in self.entries)


def is_redisplayable() -> bool:
    """Whether the view of this request may show the form again: see ``CSRFProtect.redisplay``."""
    if request.method != "POST" or request.endpoint is None:
        return False
    app = unwrap(current_app)
    is_marked = REDISPLAY.on_endpoint(app, request.endpoint, request.method)
    return is_marked and is_navigation() and _is_from_own_page()


def refuse(error: CSRFError) -> None:
    """Let the forms of this request be invalid, with the reason as their error."""
    g._quarterdeck_csrf_refusal = error


def refusal() -> CSRFError | None:
    """Return the reason why the forms of this request are invalid, if there is one."""
    error: CSRFError | None = g.get("_quarterdeck_csrf_refusal")
    return error


def _is_from_own_page() -> bool:
    """Whether a page of this site sent the request, as far as the browser says.

    Every current browser sends ``Origin`` with a POST. A client without it is a program,
    which has no cookies of a victim.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    sent = request.headers.get("Origin") or request.referrer
    origin = Origin.parse(sent)
    return not sent or (origin is not None and origin.is_at(request.host))


def _signer() -> URLSafeSerializer:
    keys = signing_keys(unwrap(current_app), settings().secret_key)
    return URLSafeSerializer(keys, salt="wtf-resubmission")
