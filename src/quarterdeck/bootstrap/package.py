"""The installed Bootstrap-Flask package: its files are used, its Flask code is not imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from quarterdeck.exceptions import BootstrapMissingError

_SYMBOL = re.compile(r'<symbol[^>]* viewBox="([^"]+)" id="([^"]+)">(.*?)</symbol>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of the package in use.

    Attributes:
        version: Decides the contents of every file in it.
        templates: The folder of its macros.
        static: The folder of its Bootstrap 5 styles, scripts and icons.
        files: The styles, scripts and icons in that folder, as relative paths.
        themes: The names of its Bootswatch themes.
        icons: View box and drawing of every icon by name.
    """

    version: str
    templates: Path
    static: Path
    files: frozenset[str]
    themes: tuple[str, ...]
    icons: dict[str, tuple[str, Markup]]


@cache
def installed() -> Package:
    """Find and read the package, once per process.

    Raises:
        BootstrapMissingError: If it is not installed.
    """
    spec = importlib.util.find_spec("flask_bootstrap")
    if spec is None or not spec.submodule_search_locations:
        raise BootstrapMissingError
    root = Path(spec.submodule_search_locations[0])
    static = root / "static" / "bootstrap5"
    return Package(
        version=importlib.metadata.version("bootstrap-flask"),
        templates=root / "templates",
        static=static,
        files=frozenset(file.relative_to(static).as_posix() for file in static.rglob("*.*")),
        themes=tuple(sorted(each.name for each in (static / "css" / "bootswatch").iterdir())),
        icons=_read_icons(static / "icons" / "bootstrap-icons.svg"),
    )


def _read_icons(sprite: Path) -> dict[str, tuple[str, Markup]]:
    symbols = _SYMBOL.findall(sprite.read_text("utf-8"))
    return {name: (box, Markup(drawing)) for box, name, drawing in symbols}  # noqa: S704  # drawings of the installed package
