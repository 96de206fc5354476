"""The locale and the time zone of the reader."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel import Locale
from quart import has_request_context, has_websocket_context, request, websocket

from quarterdeck._languages import best_of
from quarterdeck._quart import app_context
from quarterdeck.exceptions import AsyncSelectorError

from .config import STATE, LocaleChoice, ZoneChoice

if TYPE_CHECKING:
    from .catalogs import Catalog
    from .domain import Domain

_CHOICES = "_quarterdeck_babel"  # where ``g`` has the choices of this context
# For one task: a request may have several, which share its ``g``.
_forced: ContextVar[Locale | None] = ContextVar("forced_locale", default=None)


class Choices:
    """The choices of one app context.

    Attributes:
        locale: None before it is chosen.
        zone: None before it is chosen.
        domain: The domain of the texts, if it is not that of the app.
        catalogs: The texts by domain and locale.
        current: The texts that were used last, with the forced locale, the locale and the domain
            that they are for: pages look up hundreds of texts.
    """

    __slots__ = ("catalogs", "current", "domain", "locale", "zone")

    def __init__(self) -> None:
        self.locale: Locale | None = None
        self.zone: tzinfo | None = None
        self.domain: Domain | None = None
        self.catalogs: dict[tuple[int, int], Any] = {}
        self.current: tuple[Locale | None, Locale | None, Domain | None, Catalog] | None = None


def choices() -> Choices | None:
    """Return the choices of the current app context; None outside one."""
    context = app_context()
    if context is None:
        return None
    found: Choices | None = context.g.__dict__.get(_CHOICES)
    if found is None:
        found = Choices()
        setattr(context.g, _CHOICES, found)
    return found


@functools.lru_cache(maxsize=256)
def parse_locale(code: str) -> Locale:
    """Return a locale by its code, with ``_`` or ``-`` between its parts.

    Raises:
        ValueError: If it is no code of a locale.
        babel.UnknownLocaleError: If there is no such locale.
    """
    return Locale.parse(code.replace("-", "_"))


def get_locale() -> Locale | None:
    """Return the locale of the reader: forced, selected or the default; None outside an app.

    The selector runs once for each request or WebSocket.

    Raises:
        AsyncSelectorError: If the selector is async and has not run yet.
    """
    forced = _forced.get()
    if forced is not None:
        return forced
    return locale_for(choices())


def locale_for(chosen: Choices | None) -> Locale | None:
    """Return the locale that is not forced; the same object until it is chosen again."""
    if chosen is None:
        return None
    if chosen.locale is None:
        chosen.locale = locale_of(_select(STATE.get().locale_selector, "locale_selector"))
    return chosen.locale


def locale_of(choice: LocaleChoice) -> Locale:
    """Return what a selector has chosen; the default for None."""
    if choice is None:
        return parse_locale(STATE.get().default_locale)
    return choice if isinstance(choice, Locale) else parse_locale(choice)


def get_timezone() -> tzinfo | None:
    """Return the time zone of the reader: selected or the default; None outside an app.

    Raises:
        AsyncSelectorError: If the selector is async and has not run yet.
    """
    chosen = choices()
    if chosen is None:
        return None
    if chosen.zone is None:
        chosen.zone = zone_of(_select(STATE.get().timezone_selector, "timezone_selector"))
    return chosen.zone


def zone_of(choice: ZoneChoice) -> tzinfo:
    """Return what a selector has chosen; the default for None."""
    choice = STATE.get().default_timezone if choice is None else choice
    return ZoneInfo(choice) if isinstance(choice, str) else choice


def _select(selector: Callable[[], Any] | None, name: str) -> Any:
    if selector is None:
        return None
    if inspect.iscoroutinefunction(selector):
        raise AsyncSelectorError(name)
    return selector()


async def run_selectors() -> None:
    """Run async selectors and that of the time zone before the view.

    The files of a locale or time zone that is new to this process are read in a thread. A plain
    selector of the locale runs at its first use: it may need the session, which not every view has.
    """
    state, chosen = STATE.get(), choices()
    if chosen is None:
        return
    selector = state.locale_selector
    if inspect.iscoroutinefunction(selector) and chosen.locale is None:
        locale = await selector()
        if isinstance(locale, str) and locale not in _read_before:
            await asyncio.to_thread(read_locale, locale)
        chosen.locale = locale_of(locale)
    if state.timezone_selector is not None and chosen.zone is None:
        zone = await _awaited(state.timezone_selector())
        if isinstance(zone, str) and zone not in _read_before:
            await asyncio.to_thread(read_zone, zone)
        chosen.zone = zone_of(zone)


async def _awaited(choice: Any) -> Any:
    return await choice if inspect.isawaitable(choice) else choice


_read_before: set[str] = set()
MAX_READ = 2000  # locales and zones: there are fewer, but spellings are many


def read_locale(code: str) -> Locale:
    """Read the files of a locale now, so that no request waits for them.

    Raises:
        ValueError: If it is no code of a locale.
        babel.UnknownLocaleError: If there is no such locale.
    """
    locale = parse_locale(code)
    _ = locale.number_symbols  # Babel reads the file with the first fact
    _note(code)
    return locale


def read_zone(name: str) -> ZoneInfo:
    """Read the file of a time zone now.

    Raises:
        ZoneInfoNotFoundError: If there is no such zone.
        ValueError: If it is no name of a zone.
    """
    zone = ZoneInfo(name)
    _note(name)
    return zone


def _note(name: str) -> None:
    if len(_read_before) < MAX_READ:
        _read_before.add(name)


class Refreshed(Awaitable[None]):
    """The answer of ``refresh()``: awaited, it runs the selectors."""

    def __await__(self) -> Generator[Any, None, None]:
        return run_selectors().__await__()


def refresh() -> Refreshed:
    """Choose the locale and time zone again, for example after the user has changed them.

    Plain selectors run again at the next use. With an async selector, await the call::

        user.language = form.language.data
        await refresh()
        await flash(gettext("The language was changed."))
    """
    chosen = choices()
    if chosen is not None:
        chosen.locale = chosen.zone = None
    return Refreshed()


def best_language(offered: Sequence[str]) -> str | None:
    """Return the language that the visitor's browser prefers; None if it prefers no one of them.

    A browser that asks for ``de-AT`` gets ``de``, and ``zh-CN`` gets ``zh_Hans``. Use it in a
    selector::

        Babel(app, locale_selector=lambda: best_language(["en", "de", "zh_Hans"]))
    """
    if has_request_context():
        return best_of(request.accept_languages.values(), offered)
    if has_websocket_context():
        return best_of(websocket.accept_languages.values(), offered)
    return None


def forced_locale() -> Locale | None:
    """Return the locale that ``force_locale`` has set in this task."""
    return _forced.get()


@contextmanager
def force_locale(locale: str | Locale) -> Iterator[None]:
    """Use another locale within the block, in this task only.

    For example to write a mail in the language of its recipient::

        with force_locale(user.language):
            subject = gettext("Your order was shipped")
    """
    before = _forced.get()
    _forced.set(locale if isinstance(locale, Locale) else parse_locale(locale))
    try:
        yield
    finally:
        _forced.set(before)  # not by token: a generator may end in another context
