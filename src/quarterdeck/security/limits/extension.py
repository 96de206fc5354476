"""The extension: it counts requests before views run, and refuses those beyond a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limits import RateLimitItem
from quart import Request, current_app

from quarterdeck._marks import is_static
from quarterdeck._measurements import Measurement
from quarterdeck._quart import unwrap
from quarterdeck._state import ExtensionState, SingleProcess
from quarterdeck.config import read
from quarterdeck.exceptions import RateLimitExceededError

from . import decorators
from .checks import RULES
from .config import CONFIG, parse_rate
from .counting import Counters, Window
from .decorators import EXEMPT, LIMITS, Limit, Rate
from .headers import set_headers
from .keys import KeyFunction, current_connection, digest, get_remote_address
from .sign_in import SignInAttempt, SignInDelays, write_cookie

if TYPE_CHECKING:
    from quart import Quart

_WINDOWS = "_quarterdeck_rate_limits"


@dataclass(slots=True)
class LimiterState:
    """The limits of one app."""

    rules = RULES  # of 'quarterdeck check'

    counters: Counters
    delays: SignInDelays
    key: KeyFunction
    is_enabled: bool
    sets_headers: bool
    default: tuple[Limit, ...]
    application: tuple[Limit, ...]
    by_endpoint: dict[tuple[str, str], tuple[Limit, ...]]

    @property
    def single_process(self) -> SingleProcess | None:
        """Why several processes cannot serve the app."""
        return self.counters.single_process if self.is_enabled else None

    def measurements(self) -> Iterator[Measurement]:
        """Yield the decisions so far, for metrics."""
        for decision, number in self.counters.statistics().items():
            yield Measurement(
                "rate_limit_decisions",
                "Requests and sign-ins by decision; unchecked while the storage was away.",
                number,
                {"decision": decision},
                is_counter=True,
            )

    async def aclose(self) -> None:
        await self.counters.aclose()


STATE: ExtensionState[LimiterState] = ExtensionState("limiter", "Limiter")


class Limiter:
    """Rate limits for an app.

    Args:
        app: Initialised at once if given.
        key_func: Returns whom limits count if they have no key of their own; the address of the
            client if not given.
        default_limits: As ``RATELIMIT_DEFAULT``.
        application_limits: As ``RATELIMIT_APPLICATION``.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        key_func: KeyFunction = get_remote_address,
        default_limits: Sequence[Rate] = (),
        application_limits: Sequence[Rate] = (),
    ) -> None:
        self._key = key_func
        self._default = default_limits
        self._application = application_limits
        if app is not None:
            self.init_app(app)

    limit = staticmethod(decorators.limit)
    shared_limit = staticmethod(decorators.shared_limit)
    exempt = staticmethod(decorators.exempt)

    def init_app(self, app: Quart) -> None:
        """Read the configuration and count requests from now on.

        Raises:
            ConfigurationError: If a key cannot work.
            ExtensionAlreadyInitializedError: If the app has a Limiter.
            MissingPackageError: If the storage needs a package that is not installed.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        counters = Counters(config)
        default = self._default or [config["RATELIMIT_DEFAULT"]]
        application = self._application or [config["RATELIMIT_APPLICATION"]]
        state = LimiterState(
            counters=counters,
            delays=SignInDelays(counters, config),
            key=self._key,
            is_enabled=config["RATELIMIT_ENABLED"],
            sets_headers=config["RATELIMIT_HEADERS_ENABLED"],
            default=tuple(Limit(each) for each in default if each),
            application=tuple(Limit(each, scope="application") for each in application if each),
            by_endpoint={},
        )
        STATE.attach(app, state)
        if state.is_enabled:
            app.before_request(_before)
            app.before_websocket(_before)
        app.after_request(_after)
        app.after_websocket(_after)
        app.after_serving(state.aclose)

    async def hit(self, rate: str, *key: str) -> None:
        """Count one use of something that is no view, such as a message of a WebSocket::

            await limiter.hit("30/minute", "say", user.id)

        Args:
            rate: As for ``limit``.
            *key: The limit and the client that are counted.

        Raises:
            RateLimitExceededError: If that is one too many.
            RateLimitsUnavailableError: If the storage is away and requests are refused then.
        """
        state = STATE.get()
        if not state.is_enabled:
            return
        current = current_connection()
        found = _windows(current) if isinstance(current, Request) else []
        await _count(state, parse_rate(rate), key[0], digest(*map(str, key[1:])), found)

    async def begin_sign_in(self, account: str) -> SignInAttempt:
        """Return the attempt to sign in that this request is, before the password is checked.

        After ``SIGN_IN_FREE_ATTEMPTS`` failed ones the next has to wait, each time twice as
        long. Attempts on one account from another address do not count, and neither do those
        from a device that signed in before: it has a count of its own, so nobody else can make
        its user wait. Unknown accounts are treated alike.

        Args:
            account: The name of the account as entered, for example the e-mail address, in the
                one form in which you look it up.

        Raises:
            RateLimitExceededError: If the attempt comes too early; do not check the password.
            RateLimitsUnavailableError: If the storage is away and requests are refused then.
        """
        state = STATE.get()
        return await state.delays.begin(account, is_enabled=state.is_enabled)

    def remember_device(self, account: str) -> None:
        """Recognise this device from now on, after a sign-in by other means, such as a link."""
        STATE.get().delays.remember_device(account)

    def statistics(self) -> dict[str, int]:
        """Return the decisions of this process so far: allowed, refused, unchecked."""
        return STATE.get().counters.statistics()


async def _before() -> None:
    """Count this request or handshake for each limit of its view."""
    current = current_connection()
    endpoint = current.endpoint
    view = current_app.view_functions.get(endpoint) if endpoint else None
    if view is None or is_static(view) or _is_automatic_options(current):
        return
    state, found = STATE.get(), _windows(current)
    for limit in _limits_of(state, endpoint, current.method):
        key = (limit.key or state.key)()
        if key is not None:
            await _count(state, limit.items(), limit.scope or endpoint, digest(str(key)), found)


def _limits_of(state: LimiterState, endpoint: str, method: str) -> tuple[Limit, ...]:
    known = state.by_endpoint.get((endpoint, method))
    if known is None:
        known = state.by_endpoint[endpoint, method] = _find_limits(state, endpoint, method)
    return known


def _find_limits(state: LimiterState, endpoint: str, method: str) -> tuple[Limit, ...]:
    app: Quart = unwrap(current_app)
    if EXEMPT.on_endpoint(app, endpoint, method):
        return ()
    own = tuple(
        dict.fromkeys(each for mark in LIMITS.around(app, endpoint, method) for each in mark)
    )
    return (*state.application, *(own or state.default))


async def _count(
    state: LimiterState, items: Sequence[RateLimitItem], scope: str, key: str, found: list[Window]
) -> None:
    """Count for each item, and add the state of each limit to ``found``."""
    for item in items:
        window = await state.counters.count(item, scope, key)
        if window is None:
            continue
        found.append(window)
        if not window.is_allowed:
            raise RateLimitExceededError(window.seconds)


def _windows(connection: Any) -> list[Window]:
    """Return the limits of this request or handshake, for its headers."""
    windows: list[Window] = vars(connection).setdefault(_WINDOWS, [])
    return windows


async def _after(response: Any) -> Any:
    """Write the headers and the cookie of the device."""
    current = current_connection()
    if response is not None and current is not None:
        if STATE.get().sets_headers:
            set_headers(response.headers, _windows(current))
        write_cookie(current, response)
    return response


def _is_automatic_options(current: Any) -> bool:
    if not isinstance(current, Request) or current.method != "OPTIONS":
        return False
    return bool(current.url_rule and current.url_rule.provide_automatic_options)
