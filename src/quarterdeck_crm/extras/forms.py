"""The form fields of tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import new_class
from typing import Any, TypeVar, cast

from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.fields import offered
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Tag, TagColour
from quarterdeck_crm.models.collation import unique_key
from quarterdeck_crm.models.tag import TAG_LENGTH

from .records import Extras
from .tags import as_text, names_in

F = TypeVar("F", bound=QuartForm)

COLOURS = {
    TagColour.GREY.value: _l("Grey"),
    TagColour.BLUE.value: _l("Blue"),
    TagColour.GREEN.value: _l("Green"),
    TagColour.YELLOW.value: _l("Yellow"),
    TagColour.ORANGE.value: _l("Orange"),
    TagColour.RED.value: _l("Red"),
    TagColour.PURPLE.value: _l("Purple"),
    TagColour.TEAL.value: _l("Teal"),
}


class TagsField(StringField):
    """The tags of a record: a checkbox for each that there is, and a text for new ones.

    All have the name of the field. The data is a text in which commas separate the names; it is
    None if the form was sent without the field.
    """

    def __init__(
        self, label: Any = None, validators: Any = None, *, all_tags: Sequence[Tag], **options: Any
    ) -> None:
        super().__init__(label, validators, **options)
        self._all = all_tags

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = None
        if valuelist:
            text = as_text(str(value).strip() for value in valuelist if str(value).strip())
            try:
                self.data = as_text(names_in(text))
            except ValueError:
                self.data = text
                raise

    @property
    def choices_of_tags(self) -> list[tuple[Tag, bool]]:
        """Each tag, and whether it is chosen."""
        chosen = {unique_key(name, TAG_LENGTH) for name in self._names()}
        return [(tag, tag.name_key in chosen) for tag in self._all]

    @property
    def typed(self) -> str:
        """The names that are not among the tags."""
        known = {tag.name_key for tag in self._all}
        return as_text(name for name in self._names() if unique_key(name, TAG_LENGTH) not in known)

    def _names(self) -> Iterable[str]:
        return [name.strip() for name in (self.data or "").split(",") if name.strip()]


def extended(form: type[F], extras: Extras) -> type[F]:
    """Return a form with fields for the extras of a kind of record; made for one request."""
    fields = {"tags": TagsField(_l("Tags"), all_tags=extras.all_tags)}
    made = new_class(form.__name__, (form,), exec_body=lambda body: body.update(fields))
    return cast(type[F], made)


class TagForm(VersionedForm):
    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=TAG_LENGTH)])
    colour = SelectField(_l("Colour"), choices=offered(COLOURS), default=TagColour.GREY.value)
