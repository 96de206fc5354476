"""The configuration keys of Bootstrap, named as in Bootstrap-Flask, and its state for one app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, boolean, text, type_name


@type_name("text or number")
def _length(raw: Any) -> str:
    return str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else text(raw)


CONFIG = (
    ConfigKey(
        "BOOTSTRAP_BOOTSWATCH_THEME",
        None,
        text,
        "Name of a Bootswatch theme, for example `lumen`. None is plain Bootstrap.",
    ),
    ConfigKey(
        "BOOTSTRAP_BTN_STYLE",
        "primary",
        text,
        "Style of submit buttons.",
    ),
    ConfigKey(
        "BOOTSTRAP_BTN_SIZE",
        "md",
        text,
        "Size of submit buttons.",
    ),
    ConfigKey(
        "BOOTSTRAP_ICON_SIZE",
        "1em",
        _length,
        "Width and height of icons: a CSS length, or a number of pixels.",
    ),
    ConfigKey(
        "BOOTSTRAP_ICON_COLOR",
        None,
        text,
        "Colour of icons: a theme colour such as `danger`, or a CSS colour. None is the "
        "colour of the surrounding text.",
    ),
    ConfigKey(
        "BOOTSTRAP_ICON_USE_FONT",
        False,
        boolean,
        "Whether `render_icon` uses the icon font. Link the font with "
        "`bootstrap.load_icon_font_css()`.",
    ),
    ConfigKey(
        "BOOTSTRAP_MSG_CATEGORY",
        "primary",
        text,
        "Style of flashed messages without a category.",
    ),
    ConfigKey(
        "BOOTSTRAP_TABLE_VIEW_TITLE",
        "View",
        text,
        "Label of the view action of `render_table`.",
    ),
    ConfigKey(
        "BOOTSTRAP_TABLE_EDIT_TITLE",
        "Edit",
        text,
        "Label of the edit action of `render_table`.",
    ),
    ConfigKey(
        "BOOTSTRAP_TABLE_DELETE_TITLE",
        "Delete",
        text,
        "Label of the delete action of `render_table`.",
    ),
    ConfigKey(
        "BOOTSTRAP_TABLE_NEW_TITLE",
        "New",
        text,
        "Label of the new action of `render_table`.",
    ),
    ConfigKey(
        "BOOTSTRAP_FORM_GROUP_CLASSES",
        "mb-3",
        text,
        "CSS classes of the element around a form field.",
    ),
    ConfigKey(
        "BOOTSTRAP_FORM_INLINE_CLASSES",
        "row row-cols-lg-auto g-3 align-items-center",
        text,
        "CSS classes of an inline form.",
    ),
)


@dataclass(frozen=True, slots=True)
class BootstrapState:
    """The checked configuration of one app."""

    theme: str | None
    icon_size: str
    icon_color: str | None
    icon_font: bool


STATE: ExtensionState[BootstrapState] = ExtensionState("bootstrap", "Bootstrap")
