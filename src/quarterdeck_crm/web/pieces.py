"""Small pieces that a page shows dozens of times, remembered: icons, states, users.

Templates import them from ``_ui/icons.html`` and ``_ui/bits.html`` like macros.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from quarterdeck.babel import get_locale
from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages.words import capital, state_word

if TYPE_CHECKING:
    from jinja2 import Environment

SPRITE = "img/icons.svg"
# Words that have a drawing of another name; states have one of their own.
DRAWINGS = {
    "active": "success",
    "disabled": "lock",
    "archived": "archive",
    "low": "warning",
    "done": "success",
    "open": "draft",
    "won": "success",
    "lost": "cancelled",
}
WIDE = "\u2e80"  # from here on a letter is as wide as a Chinese one
ICON = Markup(
    '<svg class="icon" width="{size}" height="{size}" {seen}><use href="{sprite}#{name}"/></svg>'
)
HIDDEN = Markup('aria-hidden="true"')
LABEL = Markup('role="img" aria-label="{}"')
STATE = Markup('<span class="state state-{}">{}{}</span>')
USER = Markup('<span class="person">{}{}</span>')
LINK = Markup('<a href="{}">{}</a>')
AVATAR = Markup('<span class="avatar" aria-hidden="true">{}</span>')
TAG = Markup('<{0} class="tag tag-{1}"{2}>{3}</{0}>')
HREF = Markup(' href="{}"')
PICK = (
    '<input class="pick form-check-input" type="checkbox" name="id" value="{}" form="bulk"'
    ' aria-label="{}" autocomplete="off">'
)
MAX_REMEMBERED = 300  # parts of pages, of a few thousand characters each
NO_OWNER = Markup('<span class="soft">{}</span>')


class Pieces:
    """The global ``ui`` of templates.

    Args:
        environment: Its global ``url_for`` tells where the drawings are.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        # Of this app alone: the parts have its links and its macros.
        self._remembered = lru_cache(MAX_REMEMBERED, typed=True)(_call)

    def remembered(self, macro: Callable[..., str], *args: Any) -> Markup:
        """Return what a macro writes, remembered by its arguments and the language of the reader.

        It must not depend on anything else, so give it the parts of the request or the user that
        it needs. Lists may be given.
        """
        fixed = [tuple(each) if isinstance(each, list | ItemsView) else each for each in args]
        return self._remembered(macro, self._sprite(), get_locale(), *fixed)

    def pick(self, id: int, name: str) -> Markup:
        """Return the box that selects a row of a list for a change of several."""
        text = escape(_("Select %(name)s", name=name))
        return Markup(PICK.format(id, text))  # noqa: S704 - a page has dozens

    def icon(self, name: str, size: int = 16, label: str | None = None) -> Markup:
        """Return a drawing, hidden from screen readers unless it has a label."""
        return _icon(self._sprite(), name, size, label)

    def state_badge(self, state: Any, label: str | None = None) -> Markup:
        """Return a state as a word with its drawing and colour; ``label`` replaces the word."""
        return _state_badge(self._sprite(), str(state), label or capital(state_word(state)))

    def user(self, user: Any, url: str | None = None) -> Markup:
        """Return the initials and the name of a user; ``url`` makes the name a link."""
        if not user:
            return NO_OWNER.format(_("No owner"))
        return _user(user.name, url)

    def tag(self, tag: Any, url: str | None = None) -> Markup:
        """Return a tag in its colour; ``url`` makes it a link."""
        return TAG.format(
            "a" if url else "span", tag.colour, HREF.format(url) if url else "", tag.name
        )

    def avatar(self, name: str | None) -> Markup:
        """Return two letters of a name, or one where the letters are wide."""
        return _avatar(name)

    def _sprite(self) -> str:
        url_for: Any = self._environment.globals["url_for"]
        url: str = url_for("static", filename=SPRITE)
        return url


def _call(macro: Callable[..., str], _root: str, _locale: object, *args: Any) -> Markup:
    return Markup(macro(*args))  # noqa: S704 - macros escape


# By type too: equal texts may be markup or not.
@lru_cache(1024, typed=True)
def _icon(sprite: str, name: str, size: int, label: str | None) -> Markup:
    seen = LABEL.format(label) if label else HIDDEN
    return ICON.format(size=size, seen=seen, sprite=sprite, name=name)


@lru_cache(256, typed=True)
def _state_badge(sprite: str, state: str, label: str) -> Markup:
    drawing = _icon(sprite, DRAWINGS.get(state, state), 16, None)
    return STATE.format(state, drawing, label)


@lru_cache(2048, typed=True)
def _user(name: str, url: str | None) -> Markup:
    return USER.format(_avatar(name), LINK.format(url, name) if url else name)


@lru_cache(2048, typed=True)
def _avatar(name: str | None) -> Markup:
    first, *others = (name or "").split() or ["?"]
    letters = first[:1].upper()
    if others and first < WIDE:
        letters += others[-1][:1].upper()
    return AVATAR.format(letters)
