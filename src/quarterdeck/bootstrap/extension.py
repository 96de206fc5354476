"""The extension: templates, static files and the helpers that pages use."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from quart import url_for
from wtforms import HiddenField

from quarterdeck._assets import AssetBlueprint
from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError, MacroUseError

from . import icons
from .config import CONFIG, STATE, BootstrapState
from .package import installed

if TYPE_CHECKING:
    from quart import Quart


class Bootstrap:
    """Bootstrap 5 for an app: macros under ``bootstrap/``, files under ``bootstrap.static``.

    Args:
        app: Initialised at once if given.
    """

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Register the macros, the files and the Jinja global ``bootstrap``.

        Raises:
            BootstrapMissingError: If Bootstrap-Flask is not installed.
            ConfigurationError: If a ``BOOTSTRAP_*`` key cannot work.
            ExtensionAlreadyInitializedError: If the app has Bootstrap already.
        """
        STATE.refuse_second(app)
        package = installed()  # reads it now, not while a request waits
        config = read(app, CONFIG)
        theme = config["BOOTSTRAP_BOOTSWATCH_THEME"]
        state = BootstrapState(
            theme=None if theme is None else _known_theme(theme),
            icon_size=config["BOOTSTRAP_ICON_SIZE"],
            icon_color=config["BOOTSTRAP_ICON_COLOR"],
            icon_font=config["BOOTSTRAP_ICON_USE_FONT"],
        )
        STATE.attach(app, state)
        app.register_blueprint(
            AssetBlueprint(
                "bootstrap",
                folder=package.static,
                version=package.version,
                # Our few templates first, then those of the package.
                templates=(Path(__file__).parent / "templates", package.templates),
            )
        )
        environment = app.jinja_env
        environment.add_extension("jinja2.ext.do")
        environment.globals.update(
            {  # the names that Bootstrap-Flask's templates ask for
                "bootstrap": self,
                "bootstrap_find_resource": _find_resource,
                "bootstrap_is_hidden_field": lambda field: isinstance(field, HiddenField),
                "get_table_titles": _table_titles,
                "raise": _fail,
                "warn": warnings.warn,
            }
        )

    def load_css(self, bootswatch_theme: str | None = None) -> Markup:
        """The link to the style sheet, plain or of a Bootswatch theme."""
        theme = _known_theme(bootswatch_theme) if bootswatch_theme else STATE.get().theme
        folder = f"css/bootswatch/{theme}" if theme else "css"
        return _link(f"{folder}/bootstrap.min.css")

    def load_icon_font_css(self) -> Markup:
        """The link to the icon font, needed with ``BOOTSTRAP_ICON_USE_FONT`` only."""
        return _link("css/font/bootstrap-icons.min.css")

    def load_js(self, *, with_popper: bool = True, nonce: str | None = None) -> Markup:
        """The scripts; Popper is needed for dropdowns, popovers and tooltips."""
        names = (["umd/popper.min.js"] if with_popper else []) + ["js/bootstrap.min.js"]
        attribute = Markup(' nonce="{}"').format(nonce) if nonce else Markup("")
        script = Markup('<script src="{}" defer{}></script>')
        return Markup("\n").join(script.format(_url(name), attribute) for name in names)

    def icon(
        self,
        name: str,
        size: str | None = None,
        color: str | None = None,
        *,
        title: str | None = None,
        desc: str | None = None,
        classes: str | None = None,
        font: bool | None = None,
    ) -> Markup:
        """An icon by name, as the macro ``render_icon`` gives it.

        Raises:
            IconNotFoundError: If there is no such icon.
        """
        state = STATE.get()
        return icons.render(
            name,
            size=size or state.icon_size,
            color=color or state.icon_color,
            title=title,
            desc=desc,
            classes=classes,
            font=state.icon_font if font is None else font,
        )


Bootstrap5 = Bootstrap  # its name in Bootstrap-Flask


def _url(filename: str) -> str:
    return url_for("bootstrap.static", filename=filename)


def _find_resource(filename: str, *_: object, **__: object) -> str:
    """The address of a file of Bootstrap, as Flask-Bootstrap 3 gave it.

    The arguments that chose a delivery network have no effect: all files are local.
    """
    stem, _dot, suffix = filename.rpartition(".")
    for candidate in (filename, f"{stem}.min.{suffix}"):
        if candidate in installed().files:
            return _url(candidate)
    raise MacroUseError(f"'{filename}' is no file of Bootstrap 5. Link a file of your own.")


def _link(filename: str) -> Markup:
    return Markup('<link rel="stylesheet" href="{}">').format(_url(filename))


def _known_theme(theme: str) -> str:
    themes = installed().themes
    if theme.lower() not in themes:
        raise ConfigurationError(
            "BOOTSTRAP_BOOTSWATCH_THEME", f"is {theme!r}", f"Choose one of {', '.join(themes)}."
        )
    return theme.lower()


def _table_titles(data: Any, primary_key: str, primary_key_title: str) -> list[tuple[str, str]]:
    """Column keys and headings of mapped objects, for ``render_table`` without titles."""
    if not data:
        return []
    keys = [column.key for column in data[0].__table__.columns if not column.key.startswith("_")]
    return [
        (key, primary_key_title if key == primary_key else key.replace("_", " ").capitalize())
        for key in keys
    ]


def _fail(message: str) -> None:
    raise MacroUseError(message)
