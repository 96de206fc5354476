"""CSRF protection for every unsafe request, and origins for WebSocket handshakes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from quart import current_app, request, websocket
from werkzeug.exceptions import BadRequest, Forbidden

from ._settings import STATE, CSRFSettings, csrf_enabled, signing_keys
from .origin import Origin
from .tokens import CSRFError, check_token, generate_csrf, settle

if TYPE_CHECKING:
    from quart import Quart, Request

T = TypeVar("T")
Predicate = Callable[["Request"], bool | Awaitable[bool]]

_MARK = "_quarterdeck_csrf_exempt"
_PREFIX_ENDS = "-_;:/."  # what WTForms puts between the prefix of a form and a field's name


class CSRFProtect:
    """Refuses unsafe requests that do not come from the app's own pages.

    A request is let in if its form field ``csrf_token`` (also of a form with a prefix) or its
    header ``X-CSRFToken`` holds a token of the browser session. ``csrf_token()`` gives the
    token in templates. WebSocket handshakes of browsers must come from the same host or from
    ``WTF_CSRF_TRUSTED_ORIGINS``; others are refused with 403 before they are accepted.
    """

    def __init__(self, app: Quart | None = None) -> None:
        self._predicates: list[Predicate] = []
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Check every request of ``app`` from now on.

        Raises:
            ConfigurationError: If a ``WTF_CSRF_`` key holds a wrong value.
            ExtensionAlreadyInitializedError: If the app is protected already.
        """
        STATE.refuse_second(app)
        settings = CSRFSettings.from_app(app)
        STATE.attach(app, settings)
        app.jinja_env.globals["csrf_token"] = generate_csrf

        async def check_keys() -> None:
            if csrf_enabled(app):
                signing_keys(app, settings.secret_key)

        app.before_serving(check_keys)
        app.before_request(self._check_request)
        app.before_websocket(self._check_handshake)

    def exempt(self, target: T) -> T:
        """Mark a view, a view class or a blueprint (with those inside it) as not checked.

        Below the route; other decorators may stand between if they use ``functools.wraps``.
        """
        setattr(target, _MARK, True)
        return target

    def exempt_when(self, predicate: Predicate) -> Predicate:
        """Do not check requests for which ``predicate(request)``, sync or async, is true.

        For requests that prove who sends them by something a browser never adds by itself,
        such as a bearer token.
        """
        self._predicates.append(predicate)
        return predicate

    def is_exempt(self, target: object) -> bool:
        """Whether a view, a view class, a blueprint or an endpoint (by name) is exempt.

        An endpoint needs an app context; it is exempt with any blueprint that holds it.
        """
        if isinstance(target, str):
            return any(self.is_exempt(part) for part in _parts(target))
        view_class = getattr(target, "view_class", None)
        return bool(getattr(target, _MARK, False) or getattr(view_class, _MARK, False))

    async def protect(self) -> None:
        """Check the current request, for apps with ``WTF_CSRF_CHECK_DEFAULT = False``.

        Raises:
            CSRFError: If it may come from another site.
            BadRequest: If it holds a form that cannot be read.
        """
        settings = STATE.get()
        check_token(await _sent_token(settings))
        if request.is_secure and settings.ssl_strict:
            _check_referrer(settings)
        settle()

    async def _check_request(self) -> None:
        settings = STATE.get()
        if not (settings.check_default and csrf_enabled()):
            return
        if request.method not in settings.methods or request.endpoint is None:
            return
        if self.is_exempt(request.endpoint) or await self._is_excused():
            settle()
        else:
            await self.protect()

    async def _is_excused(self) -> bool:
        for predicate in self._predicates:
            answer = predicate(request._get_current_object())  # type: ignore[attr-defined]  # a proxy
            if await answer if inspect.isawaitable(answer) else answer:
                return True
        return False

    async def _check_handshake(self) -> None:
        endpoint = websocket.endpoint
        if csrf_enabled() and endpoint is not None and not self.is_exempt(endpoint):
            _check_websocket_origin(STATE.get())


def _parts(endpoint: str) -> Iterator[Any]:
    """The view of an endpoint and the blueprints around it."""
    yield current_app.view_functions.get(endpoint)
    blueprint = endpoint.rpartition(".")[0]
    while blueprint:
        yield current_app.blueprints.get(blueprint)
        blueprint = blueprint.rpartition(".")[0]


async def _sent_token(settings: CSRFSettings) -> str | None:
    """The token of the request: of a header, so that no body need be read, or of its form."""
    for header in settings.headers:
        if token := request.headers.get(header):
            return token
    form = await request.form
    name = settings.field_name
    for key in form:
        if key == name or (key.endswith(name) and key[-len(name) - 1] in _PREFIX_ENDS):
            return str(form[key])
    await _refuse_unreadable()
    return None


async def _refuse_unreadable() -> None:
    """Quart reads a broken body as an empty form: do not call that a missing token."""
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    is_form = request.mimetype in {"multipart/form-data", "application/x-www-form-urlencoded"}
    if has_body and is_form and not (await request.form or await request.files):
        raise BadRequest("The form could not be read. Send it again.")


def _check_referrer(settings: CSRFSettings) -> None:
    sent = request.headers.get("Origin") or request.referrer
    if not sent or sent == "null":
        raise CSRFError("referrer_missing")
    origin = Origin.parse(sent)
    if origin is None or origin not in {Origin.parse(request.host_url), *settings.trusted_origins}:
        raise CSRFError("referrer_mismatch")


def _check_websocket_origin(settings: CSRFSettings) -> None:
    sent = websocket.headers.get("Origin")
    if sent is None:  # only browsers send one, and only they carry the cookies of a victim
        if settings.websocket_origin_required:
            raise Forbidden("A WebSocket handshake must name its origin.")
        return
    origin = Origin.parse(sent)
    at_home = origin is not None and origin.is_at(websocket.host)
    if at_home and settings.ssl_strict and websocket.scheme == "wss":
        at_home = origin is not None and origin.scheme == "https"
    if not at_home and origin not in settings.trusted_origins:
        raise Forbidden("A WebSocket handshake must come from a page of this site.")
