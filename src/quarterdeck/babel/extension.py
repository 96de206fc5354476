"""The extension: the catalogues and selectors of an app, and its commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from quarterdeck._languages import GETTEXT, LOCALE
from quarterdeck._lazy import LazyText
from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError

from . import templates
from .cli import commands
from .config import (
    CONFIG,
    STATE,
    BabelConfiguration,
    LocaleSelector,
    ZoneSelector,
    get_babel,
)
from .domain import Domain, all_domains, gettext
from .formats import DATE_FORMATS
from .selection import get_locale, parse_locale, read_locale, read_zone, run_selectors

if TYPE_CHECKING:
    from quart import Quart

# Babel reads the table of all locales with the first one: now, not on the event loop.
parse_locale("en")


class Babel:
    """Translations, dates and numbers in the language of the reader.

    Args:
        app: Initialised at once if given, with the further arguments of :meth:`init_app`.
        date_formats: Patterns of dates in place of :data:`DATE_FORMATS`, such as
            ``{"date.medium": "d MMM yyyy"}``; the others stay.
        configure_jinja: Whether templates get ``_``, ``{% trans %}`` and the filters.
    """

    default_date_formats = DATE_FORMATS

    def __init__(
        self,
        app: Quart | None = None,
        date_formats: Mapping[str, str | None] | None = None,
        configure_jinja: bool = True,
        *,
        default_locale: str = "en",
        default_domain: str = "messages",
        default_translation_directories: str = "translations",
        default_timezone: str = "UTC",
        locale_selector: LocaleSelector | None = None,
        timezone_selector: ZoneSelector | None = None,
    ) -> None:
        self.date_formats = DATE_FORMATS | dict(date_formats or {})
        self.configure_jinja = configure_jinja
        self._defaults = {
            "BABEL_DEFAULT_LOCALE": default_locale,
            "BABEL_DOMAIN": default_domain,
            "BABEL_TRANSLATION_DIRECTORIES": default_translation_directories,
            "BABEL_DEFAULT_TIMEZONE": default_timezone,
        }
        self._selectors = (locale_selector, timezone_selector)
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Quart,
        default_locale: str | None = None,
        default_domain: str | None = None,
        default_translation_directories: str | None = None,
        default_timezone: str | None = None,
        locale_selector: LocaleSelector | None = None,
        timezone_selector: ZoneSelector | None = None,
    ) -> None:
        """Set up translations for ``app``; arguments win over those of the constructor.

        The catalogues are read now, or, if an event loop is running, in a thread when the app
        starts. An async selector runs before the view, after the hooks that were registered
        before this call.

        Args:
            default_locale: Used if the app has no ``BABEL_DEFAULT_LOCALE``. The same for the
                other defaults and their keys.
            locale_selector: Returns the reader's locale, its code, or None for the default; may
                be async. It runs once for each request.
            timezone_selector: The same for the time zone.

        Raises:
            ConfigurationError: If there is no such locale or time zone.
            CatalogError: If a catalogue cannot be read.
            ExtensionAlreadyInitializedError: If the app has Babel already.
        """
        STATE.refuse_second(app)
        given = (default_locale, default_domain, default_translation_directories, default_timezone)
        for (key, default), value in zip(self._defaults.items(), given, strict=True):
            app.config.setdefault(key, default if value is None else value)
        values = read(app, CONFIG)
        directories = values["BABEL_TRANSLATION_DIRECTORIES"].split(";")
        state = BabelConfiguration(
            default_locale=values["BABEL_DEFAULT_LOCALE"],
            default_timezone=values["BABEL_DEFAULT_TIMEZONE"],
            default_domain=values["BABEL_DOMAIN"],
            default_directories=directories,
            translation_directories=[str(Path(app.root_path) / name) for name in directories],
            instance=self,
            domain=Domain(domain=values["BABEL_DOMAIN"]),
            locale_selector=locale_selector or self._selectors[0],
            timezone_selector=timezone_selector or self._selectors[1],
        )
        _check_domains(state)
        STATE.attach(app, state)
        app.extensions[LOCALE] = lambda: str(get_locale())
        app.extensions[GETTEXT] = gettext
        self._read_early_or_late(app, state)
        app.before_request(run_selectors)
        app.before_websocket(run_selectors)
        app.cli.add_command(commands)
        _let_json_write_lazy_texts(app)
        if self.configure_jinja:
            templates.install(app.jinja_env)

    def _read_early_or_late(self, app: Quart, state: BabelConfiguration) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            _read_files(state)
            return

        async def read_in_thread() -> None:
            await asyncio.to_thread(_read_files, state)

        app.before_serving(read_in_thread)

    def list_translations(self) -> list[Locale]:
        """Return the locales that have catalogues, and the default one."""
        state = get_babel()
        found = [
            parse_locale(code)
            for directory in state.translation_directories
            for code in state.catalogs.languages(directory)
        ]
        return found if self.default_locale in found else [*found, self.default_locale]

    @property
    def default_locale(self) -> Locale:
        """The default locale of the current app."""
        return parse_locale(get_babel().default_locale)

    @property
    def default_timezone(self) -> ZoneInfo:
        """The default time zone of the current app."""
        return ZoneInfo(get_babel().default_timezone)

    @property
    def domain(self) -> str:
        """The name of the catalogues of the current app."""
        return get_babel().default_domain

    @property
    def domain_instance(self) -> Domain:
        """The domain of the current app."""
        return get_babel().domain


def _check_domains(state: BabelConfiguration) -> None:
    names = state.domain.domain
    if len(names) not in (1, len(state.translation_directories)):
        raise ConfigurationError(
            "BABEL_DOMAIN",
            f"has {len(names)} names for {len(state.translation_directories)} folders",
            "Write one name, or one for each folder of 'BABEL_TRANSLATION_DIRECTORIES'.",
        )


def _read_files(state: BabelConfiguration) -> None:
    """Read all that requests would otherwise read on the event loop."""
    try:
        read_locale(state.default_locale)
    except (ValueError, UnknownLocaleError) as error:
        raise ConfigurationError(
            "BABEL_DEFAULT_LOCALE",
            f"is {state.default_locale!r}: {error}",
            "Write it like 'de' or 'pt_BR'.",
        ) from None
    for code in _read_catalogs(state):
        with suppress(ValueError, UnknownLocaleError):  # a folder beside those of languages
            read_locale(code)
    try:
        read_zone(state.default_timezone)
    except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise _no_zone(state.default_timezone, error) from None


def _no_zone(name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        "BABEL_DEFAULT_TIMEZONE",
        f"is {name!r}: {error}",
        "Write it like 'Europe/Vienna', and install 'tzdata' if the system has no time zones.",
    )


def _read_catalogs(state: BabelConfiguration) -> set[str]:
    """Read the catalogues of all domains; return the codes of their languages."""
    found: set[str] = set()
    for domain in list(all_domains):
        folders = domain.directories_for(state.translation_directories)
        if len(domain.domain) in (1, len(folders)):
            found.update(state.catalogs.read_all(folders, domain.domain))
    return found


def _let_json_write_lazy_texts(app: Quart) -> None:
    """Quart's encoder would write them as HTML; that of ``quarterdeck.app`` knows them."""
    provider = app.json
    default = getattr(provider, "default", None)
    if default is not None:
        vars(provider)["default"] = lambda value: (
            str(value) if isinstance(value, LazyText) else default(value)
        )
