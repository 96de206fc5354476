"""The form fields of tags and of custom fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import new_class
from typing import Any, TypeVar, cast

from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from quarterdeck.babel import gettext as _
from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.conflicts import VersionedForm, values_of
from quarterdeck_crm.forms.fields import ExactField, WholeField, offered
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import FieldType, TagColour
from quarterdeck_crm.models.collation import unique_key
from quarterdeck_crm.models.custom_field import KEY_LENGTH, TEXT_LENGTH
from quarterdeck_crm.models.tag import TAG_LENGTH
from quarterdeck_crm.validation import REQUIRED

from .definitions import FieldRow, TagRow
from .reading import Extras
from .tags import as_text, names_in
from .values import PREFIX

TYPES = {
    FieldType.TEXT.value: _l("Text"),
    FieldType.NUMBER.value: _l("Number"),
    FieldType.DATE.value: _l("Date"),
    FieldType.CHOICE.value: _l("Choice"),
    FieldType.YES_NO.value: _l("Yes or no"),
}
F = TypeVar("F", bound=QuartForm)

TAG_GONE = _l(
    "A chosen tag is gone: it was removed, or merged into another one. Check the tags, and save "
    "again."
)
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

    A checkbox sends the id of its tag as ``ID_NAME``, because the name may change while the form
    is open. The data is a text in which commas separate the names; it is None if the form was
    sent without the text.
    """

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        all_tags: Sequence[TagRow],
        **options: Any,
    ) -> None:
        super().__init__(label, validators, **options)
        self._all = all_tags
        self._chosen: Sequence[str] = ()

    @property
    def id_name(self) -> str:
        """The name of the checkboxes."""
        return f"{self.name}_id"

    def process(self, formdata: Any, *args: Any, **options: Any) -> None:
        sent = () if formdata is None else formdata.getlist(self.id_name)
        self._chosen = [id_ for id_ in sent if id_]
        super().process(formdata, *args, **options)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = None
        if not valuelist:
            return
        present = {str(tag.id): tag.name for tag in self._all}
        chosen = [present[id_] for id_ in self._chosen if id_ in present]
        typed = [str(value).strip() for value in valuelist]
        text = as_text(name for name in [*chosen, *typed] if name)
        try:
            self.data = as_text(names_in(text))
        except ValueError:
            self.data = text
            raise
        if len(chosen) < len(self._chosen):
            raise ValueError(TAG_GONE)

    @property
    def choices_of_tags(self) -> list[tuple[TagRow, bool]]:
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


class ChoiceField(SelectField):
    """The choices of a custom field; one may have been removed while the form was open."""

    def pre_validate(self, form: BaseForm) -> None:
        try:
            super().pre_validate(form)
        except ValueError:
            problem = _("'%(entry)s' is no longer offered. Choose again.", entry=self.data)
            raise ValidationError(problem) from None


class ExtendedForm(QuartForm):
    """A form that refuses entries in custom fields that were put away while it was open."""

    def process(self, formdata: Any = None, *args: Any, **options: Any) -> None:
        super().process(formdata, *args, **options)
        for name in formdata or ():
            entry = formdata[name].strip() if name.startswith(PREFIX) else ""
            if entry and name not in self:
                key = name.removeprefix(PREFIX)
                self.form_errors.append(
                    _(
                        "The field '%(key)s' is no longer in use. Save again to keep the other "
                        "entries without '%(entry)s'.",
                        key=key[:KEY_LENGTH],
                        entry=entry,
                    )
                )


def extended(form: type[F], extras: Extras) -> type[F]:
    """Return a form with fields for the extras of a kind of record; made for one request."""
    fields = {f"{PREFIX}{each.key}": _field(each, extras) for each in extras.fields}
    fields["tags"] = TagsField(_l("Tags"), all_tags=extras.all_tags)
    bases = (ExtendedForm, form)
    made = new_class(form.__name__, bases, exec_body=lambda body: body.update(fields))
    return cast(type[F], made)


def value_form(field: FieldRow) -> type[QuartForm]:
    """Return a form with the value of one custom field, which is named ``value``."""
    fields = {"value": _field(field, Extras())}
    return new_class("ValueForm", (QuartForm,), exec_body=lambda body: body.update(fields))


def _field(field: FieldRow, extras: Extras) -> Any:
    """Return the form field of a custom field."""
    is_required = [DataRequired(REQUIRED)] if field.required else [Optional()]
    options: dict[str, Any] = {"description": field.help or ""}
    match field.type:
        case FieldType.NUMBER:
            given = [InputRequired(REQUIRED)] if field.required else [Optional()]
            return ExactField(field.label, given, **options)
        case FieldType.DATE:
            return DateField(field.label, is_required, **options)
        case FieldType.CHOICE:
            stored = {str(each[field.key]) for each in extras.values.values() if field.key in each}
            texts = dict.fromkeys([*field.options, *sorted(stored)])
            choices = offered({"": "–"} | {text: text for text in texts})
            return ChoiceField(
                field.label, is_required, choices=choices, coerce=_text_or_none, **options
            )
        case FieldType.YES_NO:
            choices = offered({"": "–", "yes": _l("Yes"), "no": _l("No")})
            given = [InputRequired(REQUIRED)] if field.required else [Optional()]
            return SelectField(field.label, given, choices=choices, coerce=_flag, **options)
        case FieldType.TEXT:
            return StringField(
                field.label,
                [*is_required, Length(max=TEXT_LENGTH)],
                filters=[lambda text: text or None],
                **options,
            )


def _text_or_none(value: Any) -> str | None:
    return str(value) if value else None


def _flag(value: Any) -> str | None:
    """Return the choice of a yes or no, which may also be stored as a boolean."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or None


class FieldForm(VersionedForm):
    label = StringField(_l("Label"), [DataRequired(_l("Enter a label.")), Length(max=80)])
    key = StringField(
        _l("Key"),
        [Length(max=KEY_LENGTH)],
        description=_l("The name in files and in the API. It is made of the label if empty."),
    )
    type = SelectField(_l("Type"), choices=offered(TYPES), default=FieldType.TEXT.value)
    options = TextAreaField(_l("Choices"), description=_l("One in each line, for the type choice."))
    help = StringField(
        _l("Help"), [Length(max=200)], description=_l("Shown below the field in forms.")
    )
    required = BooleanField(_l("Required"))
    in_list = BooleanField(_l("Show in the list"))
    position = WholeField(_l("Sort position"), [Optional()])

    def entries(self) -> dict[str, Any]:
        """Return the entries as the services take them."""
        lines = (self.options.data or "").splitlines() if "options" in self else None
        values = values_of(self)
        return values if lines is None else values | {"options": lines}


class TagForm(VersionedForm):
    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=TAG_LENGTH)])
    colour = SelectField(_l("Colour"), choices=offered(COLOURS), default=TagColour.GREY.value)
