"""The configuration keys of Babel, and its state for one app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING

from babel import Locale

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, text

from .catalogs import Catalogs

if TYPE_CHECKING:
    from quart import Quart

    from .domain import Domain
    from .extension import Babel

LocaleChoice = Locale | str | None
LocaleSelector = Callable[[], LocaleChoice | Awaitable[LocaleChoice]]
ZoneChoice = tzinfo | str | None
ZoneSelector = Callable[[], ZoneChoice | Awaitable[ZoneChoice]]

CONFIG = (
    ConfigKey(
        "BABEL_DEFAULT_LOCALE",
        "en",
        text,
        "The locale without a selector, or if the selector returns None: a code such as `de`, "
        "`pt_BR` or `zh_Hans`.",
    ),
    ConfigKey(
        "BABEL_DEFAULT_TIMEZONE",
        "UTC",
        text,
        "The time zone without a selector, or if the selector returns None, such as "
        "`Europe/Vienna`.",
    ),
    ConfigKey(
        "BABEL_DOMAIN",
        "messages",
        text,
        "The name of the catalogues, `LANGUAGE/LC_MESSAGES/DOMAIN.mo`. With semicolons: one name "
        "for each folder of `BABEL_TRANSLATION_DIRECTORIES`.",
    ),
    ConfigKey(
        "BABEL_TRANSLATION_DIRECTORIES",
        "translations",
        text,
        "Folders of catalogues, separated by semicolons; a relative one starts at the folder of "
        "the app. A text is taken from the last folder that has it.",
    ),
)


@dataclass(slots=True)
class BabelConfiguration:
    """The configuration of one app. Tests may change the defaults and the selectors."""

    default_locale: str
    default_timezone: str
    default_domain: str
    default_directories: list[str]
    translation_directories: list[str]
    instance: Babel
    domain: Domain
    locale_selector: LocaleSelector | None = None
    timezone_selector: ZoneSelector | None = None
    catalogs: Catalogs = field(default_factory=Catalogs)


STATE: ExtensionState[BabelConfiguration] = ExtensionState("babel", "Babel")


def get_babel(app: Quart | None = None) -> BabelConfiguration:
    """Return the configuration of ``app``, or of the current app.

    Raises:
        ExtensionNotInitializedError: If the app has no Babel.
        AppContextMissingError: If no app is given and no app context is active.
    """
    return STATE.get(app)
