"""Forms with lists of rows, such as the phone numbers of a person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from werkzeug.datastructures import MultiDict
from wtforms import FieldList

from .conflicts import VersionedForm

_ROW = re.compile(r"([a-z]+)-([0-9]{1,4})-(\w+)")


class RowsForm(VersionedForm):
    """A form with lists of rows; every list ends with an empty row to go on with.

    Attributes:
        ROWS: For each list, the fields of which one makes the row count.
    """

    ROWS: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def list_of(self, name: str) -> FieldList[Any]:
        """Return a list of rows by its name."""
        return cast("FieldList[Any]", self[name])

    def offer_rows(self) -> None:
        """Add an empty row to each list that has none, so that one works without scripts."""
        for name in self.ROWS:
            rows = self.list_of(name)
            if not rows.errors and not (rows.max_entries and len(rows) >= rows.max_entries):
                rows.append_entry()

    def number_rows(self) -> None:
        """Name each row in its labels, for lists of errors and screen readers."""
        for name in self.ROWS:
            for number, entry in enumerate(self.list_of(name), 1):
                for field in entry.form if number > 1 else ():
                    field.label.text = f"{field.label.text} {number}"

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show the errors of a service, also beside the fields of a row."""
        rest = dict(errors)
        for name in errors:
            match = _ROW.fullmatch(name)
            if match and match[1] in self.ROWS:
                rows = self.list_of(match[1])
                field = rows[int(match[2])].form[match[3].removesuffix("_id")]
                field.errors = [*field.errors, *rest.pop(name)]
                rows.errors = [entry.errors for entry in rows]
        super().add_errors(rest)


def tidy_rows(
    formdata: MultiDict[str, str], rows: Mapping[str, Iterable[str]]
) -> MultiDict[str, str]:
    """Return form data with the rows of each list numbered from 0 and empty ones left out.

    Args:
        formdata: As submitted; browsers may leave gaps.
        rows: For each list, the fields of which one makes the row count.
    """
    tidy: MultiDict[str, str] = MultiDict()
    found: dict[str, dict[int, dict[str, str]]] = {name: defaultdict(dict) for name in rows}
    for key, value in formdata.items(multi=True):
        match = _ROW.fullmatch(key)
        if match and match[1] in found:
            found[match[1]][int(match[2])][match[3]] = value.strip()
        else:
            tidy.add(key, value)
    for name, counting in rows.items():
        kept = [
            row for _, row in sorted(found[name].items()) if any(row.get(key) for key in counting)
        ]
        for index, row in enumerate(kept):
            for field, value in row.items():
                tidy.add(f"{name}-{index}-{field}", value)
    return tidy
