"""The files of translations: found, compiled if need be, and read once."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations
from markupsafe import Markup

from quarterdeck.exceptions import CatalogError

FOLDER = "LC_MESSAGES"
MAX_TEXTS = 10_000  # texts that are kept in their final form for one language


class Catalog:
    """The texts of one locale, from all folders of a domain.

    Attributes:
        translations: As Babel has them.
        texts: Texts that were looked up before.
        markup: Those without variables, as templates write them.
    """

    def __init__(self, translations: Translations) -> None:
        self.translations = translations
        self.texts: dict[str, str] = {}
        self.markup: dict[str, Markup] = {}

    def text(self, message: str) -> str:
        """Return the translation of a text, itself if there is none."""
        text = self.texts.get(message)
        if text is None:
            text = self.translations.ugettext(message)
            # Texts that an app makes up while it runs must not fill the memory.
            if len(self.texts) < MAX_TEXTS:
                self.texts[message] = text
                if "%" not in text:
                    self.markup[message] = Markup(text)  # noqa: S704  # it has no variables
        return text


class Catalogs:
    """All files that one app has read. A file is read once, also if it is missing."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str, str], Translations | None] = {}
        self._merged: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Catalog] = {}
        self._languages: dict[str, list[str]] = {}

    def get(
        self, locale: Locale | None, directories: Sequence[str], domains: Sequence[str]
    ) -> Catalog:
        """Return the texts of a locale; ``domains`` has one name, or one for each folder."""
        key = (str(locale), tuple(directories), tuple(domains))
        catalog = self._merged.get(key)
        if catalog is None:
            catalog = self._merged[key] = Catalog(self._merge(locale, directories, domains))
        return catalog

    def _merge(
        self, locale: Locale | None, directories: Sequence[str], domains: Sequence[str]
    ) -> Translations:
        merged = Translations()
        for directory, domain in pairs(directories, domains):
            for name in folders_for(locale):
                found = self._read(directory, name, domain)
                if found is not None:
                    merged.merge(found)
                    # Babel's 'merge' leaves the rule for plurals behind.
                    merged.plural = found.plural
                    break
        return merged

    def read_all(self, directories: Sequence[str], domains: Sequence[str]) -> list[str]:
        """Read the files of all languages now; return the codes of the languages.

        Raises:
            CatalogError: If a file cannot be read.
        """
        for directory, domain in pairs(directories, domains):
            for code in self.languages(directory):
                self._read(directory, code, domain)
        return [code for directory in directories for code in self.languages(directory)]

    def languages(self, directory: str) -> list[str]:
        """Return the codes of the languages that a folder has catalogues for."""
        if directory not in self._languages:
            self._languages[directory] = languages(directory)
        return self._languages[directory]

    def _read(self, directory: str, code: str, domain: str) -> Translations | None:
        key = (directory, code, domain)
        if key not in self._files:
            path = Path(directory) / code / FOLDER / f"{domain}.mo"
            self._files[key] = read(path) if code in self.languages(directory) else None
        return self._files[key]


def pairs(directories: Sequence[str], domains: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each folder with the name of its catalogues."""
    for index, directory in enumerate(directories):
        yield directory, domains[0] if len(domains) == 1 else domains[index]


def folders_for(locale: Locale | None) -> Iterable[str]:
    """Return the folders that may hold the texts of a locale, the most exact first."""
    if locale is None:
        return ()
    language, territory, script = locale.language, locale.territory, locale.script
    parts = [
        (language, script, territory),
        (language, script),
        (language, territory),
        (language,),
    ]
    names = [str(locale), *("_".join(filter(None, each)) for each in parts)]
    return dict.fromkeys(names)


def languages(directory: str) -> list[str]:
    """Return the codes of the languages that a folder has catalogues for, in order."""
    if not os.path.isdir(directory):
        return []
    return sorted(
        code for code in os.listdir(directory) if any(Path(directory, code, FOLDER).glob("*.[mp]o"))
    )


def read(compiled: Path) -> Translations | None:
    """Read a compiled catalogue, and compile it first if its source is newer.

    Raises:
        CatalogError: If the file is damaged.
    """
    source = compiled.with_suffix(".po")
    try:
        if source.exists() and not _is_current(compiled, source):
            content = compile_catalog(source)
            _keep(compiled, content)
        elif compiled.exists():
            content = compiled.read_bytes()
        else:
            return None
        return Translations(io.BytesIO(content), domain=compiled.stem)
    except (OSError, ValueError, EOFError, PoFileError) as error:
        raise CatalogError(compiled if compiled.exists() else source, error) from error


def compile_catalog(source: Path, *, use_fuzzy: bool = False) -> bytes:
    """Return the bytes of the compiled form of a ``.po`` file."""
    with source.open("rb") as file:
        catalog = read_po(file, locale=source.parent.parent.name, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalog, use_fuzzy=use_fuzzy)
    return compiled.getvalue()


def _is_current(compiled: Path, source: Path) -> bool:
    return compiled.exists() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns


def _keep(path: Path, content: bytes) -> None:
    """Write the file as a whole, for several processes may do it at once; or not at all."""
    with suppress(OSError):  # a folder that cannot be written, such as that of a wheel
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
