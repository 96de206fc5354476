"""What templates need an extension for: the error names the extension and the lines that add it."""

from __future__ import annotations

from quart import current_app, has_app_context

# The room, the class and the key in ``app.extensions``.
_BABEL = ("babel", "Babel", "babel")
_BOOTSTRAP = ("bootstrap", "Bootstrap", "bootstrap")
_CSRF = ("wtf", "CSRFProtect", "csrf")
_HUB = ("sockets", "Hub", "sockets")
_LOGIN = ("login", "LoginManager", "login")
_MOMENT = ("moment", "Moment", "moment")
_SECURITY = ("security", "Security", "security")

_NAMES = {
    "_": _BABEL,
    "gettext": _BABEL,
    "ngettext": _BABEL,
    "bootstrap": _BOOTSTRAP,
    "csp_nonce": _SECURITY,
    "csrf_meta_tag": _CSRF,
    "csrf_token": _CSRF,
    "current_user": _LOGIN,
    "moment": _MOMENT,
}
_TEMPLATES = {"bootstrap": _BOOTSTRAP, "bootstrap5": _BOOTSTRAP}  # by folder
_ENDPOINTS = {"bootstrap.static": _BOOTSTRAP, "moment.static": _MOMENT, "sockets.static": _HUB}


def hint_for_name(name: object) -> str | None:
    """Return the hint for an undefined variable of a template; None if the kit has no such name."""
    return _hint(str(name), _NAMES.get(str(name)))


def hint_for_template(name: object) -> str | None:
    """Return the hint for a template that was not found; None if the kit has no such folder."""
    return _hint(str(name), _TEMPLATES.get(str(name).partition("/")[0]))


def hint_for_endpoint(endpoint: str) -> str | None:
    """Return the hint for a URL that cannot be built; None if the kit has no such endpoint."""
    return _hint(endpoint, _ENDPOINTS.get(endpoint))


def _hint(name: str, source: tuple[str, str, str] | None) -> str | None:
    if source is None:
        return None
    room, extension, key = source
    if has_app_context() and key in current_app.extensions:
        return None
    return (
        f"'{name}' needs the extension '{extension}', which this app does not have. Add "
        f"'from quarterdeck.{room} import {extension}', and '{extension}(app)' in the application "
        "factory."
    )
