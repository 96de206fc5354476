"""The texts of the scripts in ``static/js``, which a page brings in its language."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from quart import json

from quarterdeck.babel import get_locale, gettext
from quarterdeck_crm.languages import ENGLISH
from quarterdeck_crm.languages import marked as N_

if TYPE_CHECKING:
    from quart import Quart

# A test compares them with the scripts. Values stand in braces.
TEXTS = (
    N_("Copied"),
    N_("{count} selected"),
    N_("Only {number} in stock"),
    N_("{price} {currency}, {number} in stock"),
    N_("Offline. Changes cannot be saved."),
    N_("Connection lost. Trying again."),
    N_("You are signed out. Sign in again to go on."),
    N_("Changes of others are not shown to you here."),
    N_("Connected again."),
    N_("Connected again, but a part of this page is missing. Reload the page."),
    N_("This is no longer there."),
    N_("{name} created order {number}."),
    N_("{name} changed order {number}."),
    N_("{name} deleted order {number}."),
    N_("{name} made order {number} a draft."),
    N_("{name} confirmed order {number}."),
    N_("{name} marked order {number} as shipped."),
    N_("{name} marked order {number} as paid."),
    N_("{name} cancelled order {number}."),
    N_("{name} changed this account."),
    N_("{name} added the deal '{title}'."),
    N_("{name} changed the deal '{title}'."),
    N_("{name} moved the deal '{title}'."),
    N_("{name} won the deal '{title}'."),
    N_("{name} marked the deal '{title}' as lost."),
    N_("{name} deleted the deal '{title}'."),
    N_("{name} changed this person."),
    N_("{name} added the task '{title}'."),
    N_("{name} changed the task '{title}'."),
    N_("{name} marked the task '{title}' as done."),
    N_("{name} reopened the task '{title}'."),
    N_("{name} deleted the task '{title}'."),
    N_("{name} mentioned you at the account {title}."),
    N_("{name} mentioned you at the deal '{title}'."),
    N_("{name} mentioned you at order {title}."),
    N_("{name} mentioned you at the person {title}."),
    N_("{name} mentioned you at the task '{title}'."),
    N_("{name} wrote a note on your account {title}."),
    N_("{name} commented on your deal '{title}'."),
    N_("{name} commented on your order {title}."),
    N_("{name} commented on your task '{title}'."),
    N_("{name} gave you the account {title}."),
    N_("{name} gave you the deal '{title}'."),
    N_("{name} gave you the task '{title}'."),
    N_("{name} gave you the open records of {title}."),
    N_("Colleagues"),
    N_("Reminder: {title}"),
    N_("Recent"),
    N_("Commands"),
    N_("Search"),
    N_("Search everything for “{q}”"),
    N_("{count} found"),
    N_("The system"),
    N_("{name}, editing"),
)


def register_script_texts(app: Quart) -> None:
    """Give templates ``script_texts()``."""
    app.jinja_env.globals["script_texts"] = script_texts


def script_texts() -> str | None:
    """Return the texts in the language of the page as JSON; None for English."""
    locale = str(get_locale())
    return None if locale.partition("_")[0] == ENGLISH else _texts(locale)


@lru_cache(16)
def _texts(_locale: str) -> str:
    return json.dumps({text: gettext(text) for text in TEXTS})
