"""Languages: texts, dates and plurals in the language of the reader, a choice that is kept.

pip install "quarterdeck[babel]"
quarterdeck serve languages:app
"""

from datetime import UTC, datetime
from pathlib import Path

from quart import Quart, redirect, render_template_string, session, url_for

from quarterdeck.babel import Babel, best_language, gettext, lazy_gettext

# "quarterdeck babel extract", "init de" and an editor make this file; here it is written for you.
GERMAN = Path(__file__).parent / "translations" / "de" / "LC_MESSAGES" / "messages.po"
GERMAN.parent.mkdir(parents=True, exist_ok=True)
GERMAN.write_text(
    """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Harbour"
msgstr "Hafen"

msgid "%(num)s ship since %(day)s"
msgid_plural "%(num)s ships since %(day)s"
msgstr[0] "%(num)s Schiff seit dem %(day)s"
msgstr[1] "%(num)s Schiffe seit dem %(day)s"

msgid "There is no harbour of that name."
msgstr "Einen Hafen dieses Namens gibt es nicht."
""",
    "utf-8",
)
LANGUAGES = ["en", "de"]

app = Quart(__name__)
app.secret_key = "change me: a long random text"


def language():
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else best_language(LANGUAGES)


Babel(app, locale_selector=language)

TITLE = lazy_gettext("Harbour")
PAGE = """
<!doctype html><html lang="{{ lang }}"><title>{{ title }}</title>
<p>{{ ngettext("%(num)s ship since %(day)s", "%(num)s ships since %(day)s", ships,
               day=since|dateformat("long")) }}</p>
"""


@app.get("/<int:ships>")
async def index(ships):
    since = datetime(2026, 11, 21, tzinfo=UTC)
    return await render_template_string(
        PAGE, title=TITLE, ships=ships, since=since, lang=language()
    )


@app.post("/language/<code>")
async def choose(code):
    session["language"] = code
    return redirect(url_for("index", ships=1))


@app.errorhandler(404)
async def not_found(error):
    return gettext("There is no harbour of that name."), 404
