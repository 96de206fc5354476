"""The signed cookie session: Flask's and Quart's format, at less cost and with a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from itsdangerous import BadData, URLSafeTimedSerializer
from quart.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.http import dump_cookie

from quarterdeck.exceptions import SessionCookieTooLargeError

if TYPE_CHECKING:
    import quart
    from quart.wrappers.base import BaseRequestWebsocket


class CookieSessionInterface(SecureCookieSessionInterface):
    """Keeps the session in a signed cookie, readable by Flask and stock Quart with the same key.

    One instance serves one app. The signer is built once per key, and a request that
    brings no cookie and leaves the session untouched costs neither signing nor headers.
    """

    def __init__(self) -> None:
        self._signer: tuple[Any, URLSafeTimedSerializer | None] = (None, None)

    def get_signing_serializer(self, app: quart.Quart) -> URLSafeTimedSerializer | None:
        """Return the signer for the app's current keys; None if it has no SECRET_KEY."""
        keys = (app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"])
        if self._signer[0] != keys:
            self._signer = (keys, super().get_signing_serializer(app))
        return self._signer[1]

    def max_age(self, app: quart.Quart) -> float:
        """Seconds after which a cookie that was not renewed is good for nothing."""
        return app.permanent_session_lifetime.total_seconds()

    async def open_session(
        self, app: quart.Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        """Return the session of the request; a new one if its cookie is forged or expired."""
        signer = self.get_signing_serializer(app)
        if signer is None:
            return None
        cookie = None
        if "Cookie" in request.headers:  # most of the cost of a request without one
            cookie = request.cookies.get(self.get_cookie_name(app))
        if cookie is None:
            return self.session_class()
        try:
            return self.load(app, signer, cookie)
        except BadData:
            return self.session_class()

    def load(
        self, app: quart.Quart, signer: URLSafeTimedSerializer, cookie: str
    ) -> SecureCookieSession:
        """Return the session in a cookie.

        Raises:
            BadData: If the cookie is forged or expired.
        """
        return self.session_class(signer.loads(cookie, max_age=int(self.max_age(app))))

    async def save_session(self, app: quart.Quart, session: Any, response: Any) -> None:
        """Set or delete the cookie if need be.

        Raises:
            SessionCookieTooLargeError: If browsers would drop it for its size.
        """
        if response is None:
            await super().save_session(app, session, response)
            return
        if session.accessed or session.modified:
            response.vary.add("Cookie")
        if session and self.should_set_cookie(app, session):
            response.headers.add("Set-Cookie", self._cookie(app, session))
            response.vary.add("Cookie")  # a cache must not give it to other clients
        elif session.modified and not session:
            response.delete_cookie(self.get_cookie_name(app), **self._options(app))

    def _cookie(self, app: quart.Quart, session: Any) -> str:
        signer = cast(URLSafeTimedSerializer, self.get_signing_serializer(app))
        cookie = dump_cookie(
            self.get_cookie_name(app),
            signer.dumps(dict(session)),
            expires=self.get_expiration_time(app, session),
            max_size=0,  # it would only warn
            **self._options(app),
        )
        limit = app.config["MAX_COOKIE_SIZE"]
        if limit and len(cookie) > limit:
            raise SessionCookieTooLargeError(len(cookie), limit)
        return cookie

    def _options(self, app: quart.Quart) -> dict[str, Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }
