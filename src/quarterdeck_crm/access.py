"""The guard: nobody who is not signed in sees a page that does not say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import current_app, request

from quarterdeck.login import access_of, current_user

from .extensions import login_manager

if TYPE_CHECKING:
    from quart import Quart
    from quart.typing import ResponseReturnValue

# Served by extensions and blueprints, without a view of ours to carry the mark.
PUBLIC_ENDPOINTS = frozenset({"static", "bootstrap.static", "moment.static", "goods.static"})


def register_guard(app: Quart) -> None:
    """Require sign-in everywhere but where a view is marked ``@public``."""
    app.before_request(_require_sign_in)


async def _require_sign_in() -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint is None or endpoint in PUBLIC_ENDPOINTS or current_user.is_authenticated:
        return None
    access = access_of(current_app.view_functions[endpoint])
    if access is not None and access.public:
        return None
    return await login_manager.unauthorized()
