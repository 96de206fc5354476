"""The version of the row that a form shows, so that no user overwrites the changes of another."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

from quarterdeck.exceptions import FormVersionError


class VersionField(HiddenField):
    """A hidden field with the version of the row; the form is not valid if the row has another.

    Name the field after the version column of the model, and make the form with ``obj=row``. The
    page carries the version that it shows. When it is sent, the version is compared with that of
    the row as it is then. After a conflict the page shows the entries again with the new version,
    so that the user can compare and save a second time. A form for a new row passes.

    Two requests at the same moment can both pass: the ``version_id_col`` of the model makes the
    second commit raise ``StaleDataError``.

    Args:
        label: Not shown.
        validators: Further validators.
        message: The text of the error after a conflict.

    Attributes:
        data: The version that was sent, as text; without a submission that of the row.
        is_outdated: Whether the validation has found a conflict.
    """

    is_outdated = False

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        message: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(label, validators, **options)
        self.message = message

    def process_data(self, value: Any) -> None:
        """Take the version of the row."""
        self.data = _text(value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the version of the page; a page without one is not that of any row."""
        self.data = str(valuelist[0]) if valuelist else ""

    def pre_validate(self, form: BaseForm) -> None:
        """Compare the version of the page with that of the row."""
        if self.data == _text(self.object_data):
            return
        self.is_outdated = True
        text = self.gettext(
            "This record was changed after you opened the page. Your entries are still here: "
            "compare them with the current values and save again."
        )
        raise StopValidation(self.message or text)

    def _value(self) -> str:
        # Only after the message about the conflict may a second save go through.
        return _text(self.object_data) if self.is_outdated else _text(self.data)

    def populate_obj(self, obj: object, name: str) -> None:
        """Leave the version to the database.

        Raises:
            FormVersionError: If the form was made without the object.
        """
        if self.data != _text(getattr(obj, name)):
            raise FormVersionError(name)


def _text(version: Any) -> str:
    return "" if version is None else str(version)
