"""The forms of a page, each with its address and the entries that a browser would send."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

_TEMPLATE = re.compile(r"<template\b.*?</template>", re.S)
_FORM = re.compile(r"<form\b.*?</form>", re.S)


@dataclass
class Sheet:
    """One form of a page."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


class _Parser(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.sheets: list[Sheet] = []
        self.open: Sheet | None = None
        self.area: str | None = None
        self.select: str | None = None

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            action = given.get("action") or self.address
            self.open = Sheet(action, given.get("method", "get").lower())
            self.sheets.append(self.open)
        elif self.open is None:
            return
        elif tag == "input" and name:
            self._input(self.open, name, given)
        elif tag == "textarea":
            self.area, self.open.values[name], self.open.kinds[name] = name, "", "textarea"
        elif tag == "select":
            self.select, self.open.kinds[name] = name, "select"
        elif tag == "option" and self.select:
            value = given.get("value", "")
            if "selected" in given or self.select not in self.open.values:
                self.open.values[self.select] = value

    def _input(self, sheet: Sheet, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        sheet.values[name], sheet.kinds[name] = given.get("value", ""), kind

    def handle_data(self, data: str) -> None:
        if self.area is not None and self.open is not None:
            self.open.values[self.area] += data.lstrip("\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "textarea":
            self.area = None
        elif tag == "select":
            self.select = None


def sheets_on(page: str, address: str) -> list[Sheet]:
    """Return the forms of a page; one without an action is sent to ``address``."""
    parser = _Parser(address)
    # A form is found faster than it is parsed, and what is outside of forms need not be parsed.
    parser.feed("".join(_FORM.findall(_TEMPLATE.sub("", page))))
    return parser.sheets


def sheet_to(page: str, action: str, *, address: str | None = None) -> Sheet:
    """Return the form of a page that is posted to ``action``."""
    found = [
        sheet
        for sheet in sheets_on(page, address or action)
        if sheet.action == action and sheet.method == "post"
    ]
    assert len(found) == 1, f"{len(found)} forms are posted to {action}"
    return found[0]
