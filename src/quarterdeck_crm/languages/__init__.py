"""The languages of the CRM, and the marks of its texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from quart import current_app

from quarterdeck.babel import force_locale, lazy_gettext

if TYPE_CHECKING:
    from quarterdeck_crm.models import User

ENGLISH = "en"
#: By code, as their speakers write them.
LANGUAGES = {ENGLISH: "English", "de": "Deutsch", "zh_Hans": "简体中文"}


def marked(text: str) -> str:
    """Mark a text that is stored in English and translated when it is shown."""
    return text


def lazy(text: str, /, **values: Any) -> str:
    """Mark a text of a module or class, which is translated each time when it is used.

    It counts as text for type checkers. Where exactly a ``str`` is needed, write ``str(text)``.
    """
    return cast(str, lazy_gettext(text, **values))


@contextmanager
def language_of(user: User | None) -> Iterator[None]:
    """Write texts in the language of a user, or for None and no choice in that of the CRM."""
    chosen = user.language if user is not None else None
    if chosen is None or chosen not in current_app.config["LANGUAGES"]:
        chosen = current_app.config["BABEL_DEFAULT_LOCALE"]
    with force_locale(chosen):
        yield
