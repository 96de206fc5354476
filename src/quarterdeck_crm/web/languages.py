"""The language of each reader.

Pages are in the language of the user's profile, else in the one that the browser prefers, else
in ``BABEL_DEFAULT_LOCALE``. Answers to programs, commands and logs are in English, which callers
and operators can search for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import current_app, has_request_context, request

from quarterdeck.babel import best_language, get_locale
from quarterdeck.exceptions import ConfigurationError, StatelessSessionError
from quarterdeck.login import current_user
from quarterdeck_crm import paths
from quarterdeck_crm.extensions import babel
from quarterdeck_crm.languages import ENGLISH, LANGUAGES

if TYPE_CHECKING:
    from quart import Quart, Response


def register_languages(app: Quart) -> None:
    """Translate pages, and tell templates their language.

    Raises:
        ConfigurationError: If ``LANGUAGES`` names one that the CRM is not written in.
    """
    for code in app.config["LANGUAGES"]:
        if code not in LANGUAGES:
            known = ", ".join(f"'{known}'" for known in LANGUAGES)
            raise ConfigurationError("LANGUAGES", f"has {code!r}", f"Choose from {known}.")
    babel.init_app(
        app,
        default_translation_directories=str(paths.TRANSLATIONS),
        locale_selector=reader_language,
    )
    app.jinja_env.globals.update(page_language=page_language, page_locale=page_locale)
    app.after_request(_vary)


def reader_language() -> str | None:
    """Return the language for the current request; None for the default of the CRM.

    The answers of the API are English. Its page has the frame of all pages.
    """
    if not has_request_context():
        return ENGLISH
    if request.path.startswith("/api/") and request.endpoint != "api.docs":
        return ENGLISH
    offered = current_app.config["LANGUAGES"]
    try:
        chosen = current_user.language if current_user.is_authenticated else None
    except StatelessSessionError:  # the view has no user
        chosen = None
    return chosen if chosen in offered else best_language(offered)


def page_language() -> str:
    """Return the language of the page as ``<html lang>`` has it, such as ``zh-Hans``."""
    return str(get_locale() or ENGLISH).replace("_", "-")


def page_locale() -> str | None:
    """Return the locale for the words in times, unless the browser's own has the language.

    A reader with a browser in British English who reads English pages sees British dates.
    """
    language = page_language().partition("-")[0]
    preferred = request.accept_languages.best
    if preferred is None or preferred.partition("-")[0].lower() == language:
        return None
    return page_language()


async def _vary(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    return response
