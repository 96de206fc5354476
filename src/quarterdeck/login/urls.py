"""Addresses of the sign-in page, with the page to return to."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from quart import current_app, url_for

from quarterdeck._quart import unwrap

from .config import STATE


def expand_login_view(login_view: str) -> str:
    """Return the address of a sign-in page that is given by address or endpoint."""
    if login_view.startswith(("https://", "http://", "/")):
        return login_view
    return url_for(login_view)


def make_next_param(login_url: str, current_url: str) -> str:
    """Return ``current_url`` without scheme and host if the sign-in page has the same."""
    login, current = urlsplit(login_url), urlsplit(current_url)
    if login.scheme in {"", current.scheme} and login.netloc in {"", current.netloc}:
        return urlunsplit(("", "", current.path, current.query, ""))
    return current_url


def login_url(login_view: str, next_url: str | None = None, next_field: str = "next") -> str:
    """Return the address of a sign-in page, with the page to return to as its argument."""
    base = expand_login_view(login_view)
    if next_url is None:
        return base
    parts = urlsplit(base)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != next_field]
    query.append((next_field, make_next_param(base, next_url)))
    return urlunsplit(parts._replace(query=urlencode(query)))


def set_login_view(login_view: str, blueprint: object = None) -> None:
    """Set the sign-in page of the current app, or of a blueprint of it."""
    manager = STATE.get(unwrap(current_app)).manager
    name = getattr(blueprint, "name", None)
    if name is None:
        manager.login_view = login_view
    else:
        manager.blueprint_login_views[name] = login_view
