"""The sections of the sidebar, in the order they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quart import current_app

from quarterdeck_crm.languages import lazy as _l

if TYPE_CHECKING:
    from quart import Quart


@dataclass(frozen=True, slots=True)
class Section:
    """A way into a part of the CRM; ``icon`` names a drawing of ``static/img/icons.svg``.

    On a phone, the bar has room for six; the others are in the menu of the user.
    """

    endpoint: str
    label: str
    icon: str
    is_in_bar: bool = True

    @property
    def blueprint(self) -> str:
        return self.endpoint.partition(".")[0]


SECTIONS = (
    Section("dashboard.index", _l("Dashboard"), "dashboard"),
    Section("tasks.index", _l("Tasks"), "tasks"),
    Section("board.index", _l("Order board"), "board"),
    Section("deals.board", _l("Deals"), "deals"),
    Section("orders.index", _l("Orders"), "orders"),
    Section("accounts.index", _l("Accounts"), "accounts"),
    Section("people.index", _l("People"), "user"),
    Section("goods.index", _l("Goods"), "goods", is_in_bar=False),
    Section("team.index", _l("Team"), "team", is_in_bar=False),
)


def register_navigation(app: Quart) -> None:
    """Give every template ``sections()``."""
    app.jinja_env.globals["sections"] = sections


def sections() -> list[Section]:
    """Return the sections that this app has."""
    return [section for section in SECTIONS if section.endpoint in current_app.view_functions]
