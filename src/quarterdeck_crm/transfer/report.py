"""The result of an import, in numbers; its sentences are in the language of the reader."""

from __future__ import annotations

from dataclasses import dataclass, field

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l

_NAMES = {
    "accounts": _l("accounts"),
    "people": _l("people"),
    "goods": _l("goods"),
    "orders": _l("orders"),
    "deals": _l("deals"),
    "tasks": _l("tasks"),
    "notes": _l("notes"),
}


@dataclass
class Report:
    """The result of an import, or the expected result after a check.

    Attributes:
        created: How many records are new.
        updated: How many have changed.
        unchanged: How many are as in the file.
        lines: How many lines the orders have.
        merged: How many records of the file became part of another one earlier.
        unknown_columns: Columns that are not imported.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    lines: int = 0
    merged: int = 0
    unknown_columns: list[str] = field(default_factory=list)

    def summary(self, kind: str, *, dry_run: bool) -> str:
        """Return the result of an import of this kind as a sentence."""
        created = _("%(number)s new", number=self.created)
        if kind == "orders":
            created = _("%(number)s new, %(lines)s lines", number=self.created, lines=self.lines)
        counts = _(
            "%(created)s, %(updated)s changed, %(unchanged)s unchanged",
            created=created,
            updated=self.updated,
            unchanged=self.unchanged,
        )
        kind = str(_NAMES[kind])
        if dry_run:
            return _("Would have imported %(kind)s: %(counts)s.", kind=kind, counts=counts)
        return _("Imported %(kind)s: %(counts)s.", kind=kind, counts=counts)

    @property
    def followed(self) -> str | None:
        """A sentence about records that were merged, if the file names any."""
        if not self.merged:
            return None
        return _(
            "Records of the file that were merged into others: %(number)s. Their new details and "
            "contacts were added to the records that stay.",
            number=self.merged,
        )

    @property
    def ignored(self) -> str | None:
        """A sentence that names the unknown columns, if there are any."""
        if not self.unknown_columns:
            return None
        names = ", ".join(self.unknown_columns)
        return _("Not imported: the columns %(names)s.", names=names)
