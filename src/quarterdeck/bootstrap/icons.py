"""Bootstrap Icons, one at a time: the package's sprite is over a megabyte."""

from __future__ import annotations

import difflib

from markupsafe import Markup

from quarterdeck.exceptions import IconNotFoundError

from .package import installed

_THEME_COLORS = frozenset(
    ("primary", "secondary", "success", "danger", "warning", "info", "light", "dark", "muted")
)


def render(
    name: str,
    *,
    size: str | None,
    color: str | None,
    title: str | None = None,
    desc: str | None = None,
    classes: str | None = None,
    font: bool = False,
) -> Markup:
    """Return the icon as an inline drawing, or for the icon font; no style attribute either way.

    Without a title it is decoration, hidden from screen readers.

    Raises:
        IconNotFoundError: If there is no such icon; names the nearest ones.
    """
    themed = color in _THEME_COLORS
    names = " ".join(filter(None, (classes, f"text-{color}" if themed else None)))
    names = f" {names}" if names else ""
    if font:
        return Markup('<i class="bi-{}{}" aria-hidden="true"></i>').format(name, names)
    icons = installed().icons
    if name not in icons:
        raise IconNotFoundError(name, difflib.get_close_matches(name, icons))
    box, drawing = icons[name]
    fill = "currentColor" if themed or not color else color
    measure = Markup(' width="{0}" height="{0}"').format(size) if size else Markup("")
    role = Markup('role="img"') if title else Markup('aria-hidden="true"')
    title_ = Markup("<title>{}</title>").format(title) if title else Markup("")
    desc_ = Markup("<desc>{}</desc>").format(desc) if desc else Markup("")
    return Markup('<svg class="bi{}"{} fill="{}" viewBox="{}" {}>{}{}{}</svg>').format(
        names, measure, fill, box, role, title_, desc_, drawing
    )
