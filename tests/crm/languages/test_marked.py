"""All texts for people are marked for translation."""

from __future__ import annotations

import pytest

from . import unmarked

REMEDY = """
Mark each text: {{ _("Text") }} or {{ _("Hello %(name)s", name=user.name) }} in a template,
_("Text") in a function, _l("Text") in a class or module. See "Texts and languages" in
CONTRIBUTING.md."""


def test_no_text_is_left_out() -> None:
    found = list(unmarked.everywhere())
    assert not found, "\n".join(["These texts are not translated:", *found, REMEDY])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>Saved.</p>", ["Saved."]),
        ("<p>{{ _('Saved.') }}</p>", []),
        ("<p title='x' aria-label=\"Close it\">{{ name }}</p>", ["Close it"]),
        ("<a>{{ icon('plus') }}New</a>", ["\0" * 18 + "New"]),
        ("{% if a %}Yes{% else %}{{ _('No') }}{% endif %}", ["Yes"]),
        ("{{ submit('Save it') }}{{ submit(_('Save')) }}", ["Save it"]),
        ("{% trans %}Hello <b>you</b>{% endtrans %}{# A comment #}", []),
        ("{% block width %}page-wide{% endblock %}<kbd>Enter</kbd>", []),
        ('{{ nothing_found(listing, ".index", "orders") }}', ["orders"]),
    ],
)
def test_an_unmarked_text_of_a_template_is_found(source: str, expected: list[str]) -> None:
    """Test the test: it would pass if it found nothing."""
    assert [text for _, _, text in unmarked.in_template(source)] == expected


def test_an_unmarked_text_of_the_code_is_found() -> None:
    code = """
class Form:
    "Docstrings are for developers."
    name = StringField("Name", [Length(_l("Too long."))])
def view(user):
    flash(f"{user.name} is saved.")
    logger.info("Operators read English.")
    raise NotFoundError("There is no such user.")
    post(subject=f"Reminder: {user.name}")
    raise ConflictError(f"{user.name} is the last one.")
    raise ConflictError("'{}' is the last one.".format(user.name))
    post(address=f"{user.name} {user.email}")
"""
    assert [line for line, _ in unmarked.in_source(code)] == [4, 6, 8, 9, 10, 11]
