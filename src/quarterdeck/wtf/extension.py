"""CSRF protection for every unsafe request, and origins for WebSocket handshakes."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from quart import current_app, request, websocket
from werkzeug.exceptions import BadRequest, Forbidden

from quarterdeck._quart import unwrap
from quarterdeck._redaction import printable
from quarterdeck._repeated_logs import RepeatedWarning
from quarterdeck._unawaited import check_at_the_end, noted
from quarterdeck.exceptions import CSRFError

from .config import STATE, CSRFSettings, csrf_enabled, is_token_field, signing_keys
from .marks import EXEMPT, REDISPLAY
from .origin import Origin
from .resubmission import is_redisplayable, refuse
from .tokens import csrf_meta_tag, generate_csrf, log, settle, validate_csrf
from .translations import load

if TYPE_CHECKING:
    from quart import Quart, Request

logger = logging.getLogger("quarterdeck.wtf")

T = TypeVar("T")
MAX_SHOWN_ORIGIN = 100  # characters of a header that a client has made up
Predicate = Callable[["Request"], bool | Awaitable[bool]]


class CSRFProtect:
    """Refuses unsafe requests that do not come from the app's own pages.

    A request is let in if its form field ``csrf_token`` (also of a form with a prefix) or its
    header ``X-CSRFToken`` holds a token of the browser session. ``csrf_token()`` gives the
    token in templates. WebSocket handshakes of browsers must come from the same host or from
    ``WTF_CSRF_TRUSTED_ORIGINS``; others are refused with 403 before they are accepted.
    """

    def __init__(self, app: Quart | None = None) -> None:
        self._predicates: list[Predicate] = []
        self._exempt_names: set[str] = set()
        self._foreign_forms = RepeatedWarning(logger)
        self._foreign_handshakes = RepeatedWarning(logger)
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
        STATE.attach(app, settings, self)
        for language in settings.languages:  # a request must not wait for the disk
            load(language)
        app.jinja_env.globals["csrf_token"] = generate_csrf
        app.jinja_env.globals["csrf_meta_tag"] = csrf_meta_tag

        async def check_keys() -> None:
            if csrf_enabled(app):
                signing_keys(app, settings.secret_key)

        app.before_serving(check_keys)
        app.before_request(self._check_request)
        check_at_the_end(app)
        app.before_websocket(self._check_handshake)

    def exempt(self, target: T) -> T:
        """Mark a view, a view class, one of its methods or a blueprint as not checked.

        A view may also be named by its module and function: ``csrf.exempt("shop.views.pay")``.

        A blueprint exempts the blueprints inside it as well. The mark may stand above or below
        the route and other decorators, if these use ``functools.wraps``.
        """
        if isinstance(target, str):
            self._exempt_names.add(target)
        else:
            EXEMPT.put(target, True)
        return target

    def exempt_when(self, predicate: Predicate) -> Predicate:
        """Do not check requests for which ``predicate(request)``, sync or async, is true.

        For requests with a credential that browsers never add by themselves,
        such as a bearer token.
        """
        self._predicates.append(predicate)
        return predicate

    def is_exempt(self, target: object) -> bool:
        """Whether a view, a view class, a blueprint or an endpoint (by name) is exempt.

        An endpoint needs an app context; it is exempt with any blueprint that holds it.
        """
        if isinstance(target, str):
            app: Quart = unwrap(current_app)
            return self._is_exempt(app, target)
        return bool(EXEMPT.get(target))

    def _is_exempt(self, app: Quart, endpoint: str, method: str | None = None) -> bool:
        if EXEMPT.on_endpoint(app, endpoint, method):
            return True
        view = app.view_functions.get(endpoint)
        name = f"{getattr(view, '__module__', None)}.{getattr(view, '__name__', None)}"
        return name in self._exempt_names

    def redisplay(self, target: T) -> T:
        """Mark a view that shows its form again, with the entries, if the token does not fit.

        Such a request is not refused if a page of this site sent it. The view runs, and
        ``validate`` and ``validate_on_submit`` of every ``QuartForm`` return False with the
        reason as an error of the form. So the view must change nothing unless such a form is
        valid.
        """
        REDISPLAY.put(target, True)
        return target

    def is_redisplayed(self, endpoint: str, method: str = "POST") -> bool:
        """Whether the view of an endpoint is marked by ``redisplay``; needs an app context."""
        return REDISPLAY.on_endpoint(unwrap(current_app), endpoint, method)

    @noted("csrf")
    async def protect(self, apply_exemptions: bool = False) -> None:
        """Check the current request, for apps with ``WTF_CSRF_CHECK_DEFAULT = False``.

        A call without ``await`` checks nothing, so such a request is answered 500.

        Args:
            apply_exemptions: Whether exempt views are let in.

        Raises:
            CSRFError: If it may come from another site.
            BadRequest: If it holds a form that cannot be read.
        """
        settings = STATE.get()
        if request.method not in settings.methods:
            return
        if apply_exemptions and await self._is_let_in():
            settle()
            return
        try:
            validate_csrf(await _sent_token(settings))
            if request.is_secure and settings.ssl_strict:
                self._check_referrer(settings)
        except CSRFError as error:
            log(error)
            raise
        settle()

    async def _check_request(self) -> None:
        settings = STATE.get()
        if not (settings.check_default and csrf_enabled()):
            return
        if request.method not in settings.methods or request.endpoint is None:
            return
        if await self._is_let_in():
            settle()
            return
        try:
            await self.protect()
        except CSRFError as error:
            if not is_redisplayable():
                raise
            refuse(error)
            settle()  # the whole form is refused, so its token needs no error of its own

    async def _is_let_in(self) -> bool:
        """Whether the view is exempt, or the request has a credential of its own."""
        endpoint = request.endpoint
        if endpoint is None or self._is_exempt(unwrap(current_app), endpoint, request.method):
            return True
        for predicate in self._predicates:
            answer = predicate(unwrap(request))
            if await answer if inspect.isawaitable(answer) else answer:
                return True
        return False

    async def _check_handshake(self) -> None:
        endpoint = websocket.endpoint
        if csrf_enabled() and endpoint is not None and not self.is_exempt(endpoint):
            try:
                _check_websocket_origin(STATE.get())
            except Forbidden:
                sent, home = websocket.headers.get("Origin"), f"{websocket.scheme}://"
                _warn(self._foreign_handshakes, "WebSockets", sent, home + websocket.host)
                raise

    def _check_referrer(self, settings: CSRFSettings) -> None:
        sent = request.headers.get("Origin") or request.referrer
        if not sent or sent == "null":
            raise CSRFError("referrer_missing")
        origin = Origin.parse(sent)
        if origin is None or origin not in {
            Origin.parse(request.host_url),
            *settings.trusted_origins,
        }:
            _warn(self._foreign_forms, "Forms", sent, request.host_url)
            raise CSRFError("referrer_mismatch")


def _warn(log: RepeatedWarning, things: str, origin: str | None, home: str) -> None:
    """Log a refusal that may come of a wrong configuration as well as of another site."""
    log.warning(
        "%s from %s are refused, because the site is %s here. If both are yours, let the proxy "
        "pass on host and scheme (TRUSTED_PROXIES), or set WTF_CSRF_TRUSTED_ORIGINS.",
        things,
        printable((origin or "programs without an Origin")[:MAX_SHOWN_ORIGIN]),
        printable(home),
    )


async def _sent_token(settings: CSRFSettings) -> str | None:
    """The token of the request: of a header, so that no body need be read, or of its form."""
    for header in settings.headers:
        if token := request.headers.get(header):
            return token
    form = await request.form
    name = settings.field_name
    for key in form:
        if is_token_field(key, name):
            return str(form[key])
    await _refuse_unreadable()
    return None


async def _refuse_unreadable() -> None:
    """Quart reads a broken body as an empty form: do not call that a missing token."""
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    is_form = request.mimetype in {"multipart/form-data", "application/x-www-form-urlencoded"}
    if has_body and is_form and not (await request.form or await request.files):
        raise BadRequest("The form could not be read. Send it again.")


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
