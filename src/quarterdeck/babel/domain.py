"""Domains of texts, and the functions that translate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from babel.support import NullTranslations, Translations

from .catalogs import Catalog
from .config import STATE
from .lazy import LazyString
from .selection import Choices, choices, forced_locale, locale_for

#: All domains; the files of those that exist when an app starts are read then.
all_domains: WeakSet[Domain] = WeakSet()
_NOTHING = Catalog(Translations())


class Domain:
    """A set of catalogues, by default those of the app.

    Make it before the app starts, so that no request waits for its files.

    Args:
        translation_directories: Absolute paths of folders instead of those of the app.
        domain: The name of the catalogues; with semicolons one name for each folder.
    """

    def __init__(
        self,
        translation_directories: str | Sequence[str] | None = None,
        domain: str = "messages",
    ) -> None:
        if isinstance(translation_directories, str):
            translation_directories = [translation_directories]
        self._translation_directories = translation_directories
        self.domain = domain.split(";")
        all_domains.add(self)

    def __repr__(self) -> str:
        return f"<Domain({self._translation_directories!r}, {self.domain!r})>"

    def directories_for(self, own: Sequence[str]) -> Sequence[str]:
        """Return the folders of the catalogues, for an app with the folders ``own``."""
        return own if self._translation_directories is None else self._translation_directories

    @property
    def translation_directories(self) -> Sequence[str]:
        """The folders of the catalogues, the last one with a text wins."""
        return self.directories_for(STATE.get().translation_directories)

    def as_default(self) -> None:
        """Use this domain for all texts of the current request.

        Raises:
            RuntimeError: If no app context is active.
        """
        chosen = choices()
        if chosen is None:
            raise RuntimeError("'as_default' needs a request. Call it in a view or a hook.")
        chosen.domain = self

    def catalog(self) -> Catalog:
        """Return the texts of the reader's locale; empty outside an app."""
        return self.catalog_for(choices())

    def catalog_for(self, chosen: Choices | None) -> Catalog:
        """Return the texts for the choices of a context; empty for none."""
        if chosen is None:
            return _NOTHING
        locale = forced_locale() or locale_for(chosen)
        key = (id(self), id(locale))
        found = chosen.catalogs.get(key)
        if found is None:
            catalog = STATE.get().catalogs.get(locale, self.translation_directories, self.domain)
            # With both objects, so that no other one gets their ids within this context.
            found = chosen.catalogs[key] = (catalog, self, locale)
        catalog = found[0]
        return catalog

    def get_translations(self) -> NullTranslations:
        """Return the texts of the reader's locale as Babel has them."""
        return self.catalog().translations

    def gettext(self, string: str, /, **variables: Any) -> str:
        """Translate a text and fill in its variables: ``gettext("Hello %(name)s!", name=n)``."""
        text = self.catalog().text(string)
        return text % variables if variables else text

    def ngettext(self, singular: str, plural: str, /, num: int, **variables: Any) -> str:
        """Translate a text in the plural form that ``num`` needs; it has the variable ``num``."""
        variables.setdefault("num", num)
        return _formatted(self.get_translations().ungettext(singular, plural, num), variables)

    def pgettext(self, context: str, string: str, /, **variables: Any) -> str:
        """Translate a text whose meaning depends on a context."""
        text = str(self.get_translations().upgettext(context, string))
        return text % variables if variables else text

    def npgettext(
        self, context: str, singular: str, plural: str, /, num: int, **variables: Any
    ) -> str:
        """Translate as :meth:`ngettext`, with a context."""
        variables.setdefault("num", num)
        return _formatted(
            self.get_translations().unpgettext(context, singular, plural, num), variables
        )

    def lazy_gettext(self, string: str, /, **variables: Any) -> LazyString:
        """Translate each time when the text is used."""
        return LazyString(self.gettext, string, **variables)

    def lazy_ngettext(
        self, singular: str, plural: str, /, num: int, **variables: Any
    ) -> LazyString:
        """Translate each time when the text is used."""
        return LazyString(self.ngettext, singular, plural, num, **variables)

    def lazy_pgettext(self, context: str, string: str, /, **variables: Any) -> LazyString:
        """Translate each time when the text is used."""
        return LazyString(self.pgettext, context, string, **variables)


def _formatted(text: object, variables: dict[str, Any]) -> str:
    return str(text) % variables


_ENGLISH = Domain()


def get_domain() -> Domain:
    """Return the domain of the current request: that of the app, or of ``as_default``."""
    chosen = choices()
    if chosen is None:
        return _ENGLISH
    if chosen.domain is None:
        chosen.domain = STATE.get().domain
    return chosen.domain


def catalog() -> Catalog:
    """Return the texts of the reader."""
    chosen = choices()
    if chosen is None:
        return _NOTHING
    forced, current = forced_locale(), chosen.current
    if (
        current is not None
        and current[0] is forced
        and current[1] is chosen.locale
        and current[2] is chosen.domain
    ):
        return current[3]
    found = (chosen.domain or get_domain()).catalog_for(chosen)
    chosen.current = forced, chosen.locale, chosen.domain, found
    return found


def get_translations() -> NullTranslations:
    """Return the texts of the reader as Babel has them; empty outside an app."""
    return get_domain().get_translations()


def gettext(string: str, /, **variables: Any) -> str:
    """Translate a text and fill in its variables: ``gettext("Hello %(name)s!", name=n)``."""
    text = catalog().text(string)
    return text % variables if variables else text


def ngettext(singular: str, plural: str, /, num: int, **variables: Any) -> str:
    """Translate a text in the plural form that ``num`` needs; it has the variable ``num``."""
    return get_domain().ngettext(singular, plural, num, **variables)


def pgettext(context: str, string: str, /, **variables: Any) -> str:
    """Translate a text whose meaning depends on a context, such as ``"month"``."""
    return get_domain().pgettext(context, string, **variables)


def npgettext(context: str, singular: str, plural: str, /, num: int, **variables: Any) -> str:
    """Translate as :func:`ngettext`, with a context."""
    return get_domain().npgettext(context, singular, plural, num, **variables)


def lazy_gettext(string: str, /, **variables: Any) -> LazyString:
    """As :func:`gettext`, each time when the text is used."""
    return LazyString(gettext, string, **variables)


def lazy_ngettext(singular: str, plural: str, /, num: int, **variables: Any) -> LazyString:
    """As :func:`ngettext`, each time when the text is used."""
    return LazyString(ngettext, singular, plural, num, **variables)


def lazy_pgettext(context: str, string: str, /, **variables: Any) -> LazyString:
    """As :func:`pgettext`, each time when the text is used."""
    return LazyString(pgettext, context, string, **variables)


def lazy_npgettext(
    context: str, singular: str, plural: str, /, num: int, **variables: Any
) -> LazyString:
    """As :func:`npgettext`, each time when the text is used."""
    return LazyString(npgettext, context, singular, plural, num, **variables)
