"""The upload forms, one for each kind."""

from __future__ import annotations

from werkzeug.datastructures import FileStorage

from quarterdeck.wtf import QuartForm
from quarterdeck.wtf.file import FileAllowed, FileField, FileRequired
from quarterdeck_crm.languages import lazy as _l

CSV = ("csv", "tsv", "txt")


class ImportForm(QuartForm):
    file = FileField(_l("CSV file"), [FileRequired(_l("Choose a file.")), FileAllowed(CSV)])

    def files(self) -> list[FileStorage]:
        """Return the chosen files, in the order of the kind's parts."""
        return [self.file.data]


class OrdersImportForm(ImportForm):
    file = FileField(_l("File of orders"), [FileRequired(_l("Choose a file.")), FileAllowed(CSV)])
    lines = FileField(
        _l("File of order lines"), [FileRequired(_l("Choose a file.")), FileAllowed(CSV)]
    )

    def files(self) -> list[FileStorage]:
        return [self.file.data, self.lines.data]


FORMS: dict[str, type[ImportForm]] = {
    "accounts": ImportForm,
    "people": ImportForm,
    "goods": ImportForm,
    "orders": OrdersImportForm,
    "deals": ImportForm,
    "tasks": ImportForm,
    "notes": ImportForm,
}
