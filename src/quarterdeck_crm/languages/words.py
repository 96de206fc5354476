"""The words for stored values: states, roles, kinds of data, outcomes of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from babel.dates import format_skeleton
from jinja2.filters import do_filesizeformat

from quarterdeck.babel import format_date, get_locale, gettext, ngettext

from . import ENGLISH
from . import lazy as _l

if TYPE_CHECKING:
    from quart import Quart

#: Within a sentence; ``capital`` for a badge.
STATES: Mapping[str, str] = {
    "draft": _l("draft"),
    "confirmed": _l("confirmed"),
    "shipped": _l("shipped"),
    "paid": _l("paid"),
    "cancelled": _l("cancelled"),
    "active": _l("active"),
    "disabled": _l("disabled"),
    "archived": _l("archived"),
    "done": _l("done"),
}
ROLES: Mapping[str, str] = {
    "User": _l("User"),
    "Moderator": _l("Moderator"),
    "Admin": _l("Admin"),
}
OUTCOMES: Mapping[str, str] = {
    "running": _l("Running"),
    "succeeded": _l("Succeeded"),
    "failed": _l("Failed"),
    "missed": _l("Missed"),
    "skipped": _l("Skipped"),
    "interrupted": _l("Interrupted"),
}


LABEL_WORDS: Mapping[str, str] = {
    "work": _l("Work"),
    "mobile": _l("Mobile"),
    "home": _l("Home"),
    "fax": _l("Fax"),
    "other": _l("Other"),
}
PRIORITIES: Mapping[int, str] = {1: _l("high"), 2: _l("normal"), 3: _l("low")}


@dataclass(frozen=True, slots=True)
class KindWords:
    """The sentences about one kind of data that is imported and exported."""

    title: str
    importing: str
    exporting: str
    import_of: str
    showing: str


KINDS = {
    "accounts": KindWords(
        _l("Accounts"),
        _l("Import accounts"),
        _l("Export accounts"),
        _l("Import of accounts"),
        _l("Show accounts"),
    ),
    "people": KindWords(
        _l("People"),
        _l("Import people"),
        _l("Export people"),
        _l("Import of people"),
        _l("Show people"),
    ),
    "goods": KindWords(
        _l("Goods"),
        _l("Import goods"),
        _l("Export goods"),
        _l("Import of goods"),
        _l("Show goods"),
    ),
    "orders": KindWords(
        _l("Orders"),
        _l("Import orders"),
        _l("Export orders"),
        _l("Import of orders"),
        _l("Show orders"),
    ),
    "tasks": KindWords(
        _l("Tasks"),
        _l("Import tasks"),
        _l("Export tasks"),
        _l("Import of tasks"),
        _l("Show tasks"),
    ),
    "deals": KindWords(
        _l("Deals"),
        _l("Import deals"),
        _l("Export deals"),
        _l("Import of deals"),
        _l("Show deals"),
    ),
    "notes": KindWords(
        _l("Notes"),
        _l("Import notes"),
        _l("Export notes"),
        _l("Import of notes"),
        _l("All imports and exports"),
    ),
    "order-lines": KindWords(
        _l("Order lines"),
        _l("Import order lines"),
        _l("Export order lines"),
        _l("Import of order lines"),
        _l("Show order lines"),
    ),
}


def state_word(state: Any) -> str:
    """Return the word for a state within a sentence, such as "draft"."""
    return str(STATES.get(str(state), state))


def capital(text: str) -> str:
    """Return a text with a capital first letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def role_word(role: Any) -> str:
    """Return the word for a role."""
    return str(ROLES.get(str(role), role))


def outcome_word(outcome: Any) -> str:
    """Return the word for the outcome of a job."""
    return str(OUTCOMES.get(str(outcome), outcome))


def label_word(label: str) -> str:
    """Return the word for the use of a phone number or an address."""
    return str(LABEL_WORDS[label])


def detail_words(row: Mapping[str, Any]) -> str:
    """Return a phone number, an address or an account of a person as one text."""
    values = (value for name, value in row.items() if name != "label" and isinstance(value, str))
    text, label = ", ".join(filter(None, values)), row.get("label", "work")
    notes = [str(LABEL_WORDS.get(label, label))] if label != "work" else []
    if row.get("main"):
        notes.append(gettext("Main contact"))
    return gettext("%(text)s (%(notes)s)", text=text, notes=", ".join(notes)) if notes else text


def size_text(size: int) -> str:
    """Return a number of bytes as pages show it, such as ``1.2 MB``."""
    if size < 1000:
        return ngettext("%(num)s byte", "%(num)s bytes", size)
    return do_filesizeformat(size)


def kind_words(name: str) -> KindWords:
    """Return the sentences about a kind of data, or a part of it, by its name."""
    return KINDS[name]


def month(day: date, form: str = "long") -> str:
    """Return a month with its year, such as "July 1996", or "Jul 1996" if ``short``."""
    skeleton = "yMMMM" if form == "long" else "yMMM"  # languages differ in what comes first
    return format_skeleton(skeleton, day, locale=get_locale() or ENGLISH)


def month_name(day: date) -> str:
    """Return a month without its year, such as "Jul"."""
    return format_date(day, "LLL", rebase=False)


def day_of_month(day: date) -> str:
    """Return a day without its year, such as "Jul 4"."""
    return format_skeleton("MMMd", day, locale=get_locale() or ENGLISH)


def priority_word(priority: Any) -> str:
    """Return the word for the priority of a task within a sentence."""
    return str(PRIORITIES.get(int(priority), priority))


def job_name(job: Any) -> str:
    """Return the name of a job; those of the CRM's own jobs are translated."""
    return gettext(job.name)


def register_words(app: Quart) -> None:
    """Give templates the words, and the filters ``month``, ``capital`` and ``size_text``."""
    app.jinja_env.globals.update(
        state_word=state_word,
        label_word=label_word,
        detail_words=detail_words,
        role_word=role_word,
        outcome_word=outcome_word,
        kind_words=kind_words,
        job_name=job_name,
        priority_word=priority_word,
    )
    app.jinja_env.filters.update(month=month, capital=capital, size_text=size_text)
