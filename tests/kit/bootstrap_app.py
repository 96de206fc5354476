"""Pages with the macros, and their tags."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import quart
from quart import render_template_string
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    FieldList,
    FileField,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
    validators,
)


async def render(app: quart.Quart, source: str, path: str = "/list/goods", **values: Any) -> str:
    async with app.test_request_context(path):
        return await render_template_string(source, **values)


FOREIGN = re.compile(r"https?:|//|javascript:", re.IGNORECASE)


class Page(HTMLParser):
    """Tags with their attributes, and what a strict Content-Security-Policy would block."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocked: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "style" or (tag == "script" and "src" not in found):
            self.blocked.append(tag)
        for name, value in found.items():
            foreign = name in {"src", "href"} and re.match(
                r"(?i)(https?:|//|javascript:)", value or ""
            )
            if name == "style" or name.startswith("on") or foreign:
                self.blocked.append(f"{tag} {name}={value}")

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [a for t, a in self.tags if t == tag and wanted.items() <= a.items()]


class Address(Form):
    city = StringField("City")


CHOICES: Any = ["small", "large"]  # WTForms 3.3's own kind; the type stubs know tuples only


class Everything(Form):
    name = StringField("Name", [validators.DataRequired()], description="As on the passport")
    password = PasswordField("Password")
    note = TextAreaField("Note")
    amount = IntegerField("Amount")
    price = DecimalField("Price")
    day = DateField("Day")
    agree = BooleanField("Agree")
    size = RadioField("Size", choices=CHOICES)
    country = SelectField("Country", choices=CHOICES)
    tags = SelectMultipleField("Tags", choices=CHOICES)
    picture = FileField("Picture")
    address = FormField(Address)
    phones = FieldList(StringField("Phone"), min_entries=2)
    secret = HiddenField(validators=[validators.DataRequired()])
    save = SubmitField("Save")

    def hidden_tag(self) -> str:
        return self.secret()
