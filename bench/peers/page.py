"""What the peers share: the CRM's templates, filters and models, so that the page is the same.

What is measured is how each stack gets to that page: server, framework, sign-in and database.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from itsdangerous import URLSafeTimedSerializer
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

import quarterdeck.bootstrap
from quarterdeck.babel import templates
from quarterdeck.security.content_security_policy import STRICT
from quarterdeck.security.policy import Policy
from quarterdeck_crm import paths
from quarterdeck_crm.bulk.kinds import actions_for
from quarterdeck_crm.extras.reading import Extras
from quarterdeck_crm.languages.words import register_words
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Order, OrderState, User
from quarterdeck_crm.notifications.services import unread_of
from quarterdeck_crm.orders.filters import COLUMNS, RANGES
from quarterdeck_crm.search.filters import MAX_USERS, Panel
from quarterdeck_crm.search.record_filters import RecordFilter
from quarterdeck_crm.web.caching import PAGES
from quarterdeck_crm.web.filters import register_filters
from quarterdeck_crm.web.navigation import SECTIONS

FOLDER = Path(os.environ["BENCH_FOLDER"])  # made by bench.orders
SECRET_KEY = os.environ["SECRET_KEY"]
SORTS = {"number", "account", "date", "state", "owner", "net"}
ANSWER_HEADERS = {
    **{name.decode(): value.decode() for name, value in Policy(STRICT).headers()},
    "Cache-Control": PAGES,
}

# Where the CRM's pages are, by endpoint: "/orders/{order_id}".
LINKS: dict[str, str] = json.loads((FOLDER / "links.json").read_text())

_signer = URLSafeTimedSerializer(SECRET_KEY, salt="csrf")


class Helper:
    """Stands in for the Jinja globals ``bootstrap`` and ``moment``."""

    def __init__(self, tag: Markup) -> None:
        self._tag = tag

    def load_css(self) -> Markup:
        return self._tag

    include_moment = load_css


def loader() -> BaseLoader:
    bootstrap = Path(quarterdeck.bootstrap.__file__).parent / "templates"
    return ChoiceLoader([FileSystemLoader(paths.TEMPLATES), FileSystemLoader(bootstrap)])


def prepare(app: Any) -> None:
    """Give the Jinja environment ``app.jinja_env`` what the templates ask for."""
    templates.install(app.jinja_env)  # the quick functions of ours, without a catalogue
    register_filters(app)
    register_words(app)
    app.jinja_env.globals.update(
        bootstrap=Helper(Markup('<link rel="stylesheet" href="/bootstrap/bootstrap.min.css">')),
        moment=Helper(Markup('<script type="module" src="/moment/moment.js"></script>')),
        bulk_actions=actions_for,
        sections=lambda: SECTIONS,
        live_position=lambda: "0-0",
        page_language=lambda: "en",
        page_locale=lambda: None,
        script_texts=lambda: None,
    )


def csrf_token(secret: str) -> str:
    return str(_signer.dumps(secret))


def statement() -> Select[Order]:
    return (
        select(Order)
        .options(
            joinedload(Order.account).load_only(Account.name),
            joinedload(Order.owner).load_only(User.name),
        )
        .order_by(Order.ordered_on.desc(), Order.id.desc())
    )


def user_with_unread(user_id: int) -> Select[User, int]:
    """Read a user and the number of unread notifications, which ``with_unread`` joins."""
    return select(User, unread_of(user_id)).where(User.id == user_id)


def with_unread(found: Any) -> User | None:
    """Return the user of a row of ``user_with_unread``, as the templates expect it."""
    if found is None:
        return None
    user: User
    user, user.unread_notifications = found
    return user


def users() -> Select[int, str]:
    """The owners that the list can be filtered by."""
    named = select(User.id, User.name).where(User.is_active)
    return named.order_by(User.name_key, User.id).limit(MAX_USERS)


def values(listing: Listing, page: Any, users: Sequence[Any]) -> dict[str, Any]:
    """Return what the template is rendered with."""
    panel = Panel(
        RANGES.take(listing), [tuple(user) for user in users], records=(RecordFilter("account"),)
    )
    return {
        "listing": listing,
        "page": page,
        "states": list(OrderState),
        "panel": panel,
        "extras": Extras(),
        "views": SimpleNamespace(  # there are none saved, for which the CRM asks
            page="orders",
            listing=listing,
            views=(),
            current=None,
            saved=None,
            unknown=(),
            columns=COLUMNS,
            is_changed=False,
            arguments="",
            may_save=False,
            may_share=False,
        ),
    }
