"""Texts about imports: stored with their values, and written in the language of the reader."""

from __future__ import annotations

from dataclasses import dataclass, field

from quarterdeck.babel import gettext
from quarterdeck_crm.languages import marked as N_

RULE = N_("'%(field)s': %(text)s")  # a column, and what a service says about its value


@dataclass(frozen=True, slots=True)
class Text:
    """A text that was marked for translation, with the values of its variables.

    ``str`` writes it in the language of the present reader: a report is stored by the process
    that imports, and read by users with other languages.
    """

    id: str
    values: dict[str, str | int | Text] = field(default_factory=dict)

    def __str__(self) -> str:
        # A text of a service has its values already, and perhaps no translation.
        return gettext(self.id, **{name: _shown(value) for name, value in self.values.items()})


def _shown(value: str | int | Text) -> str | int:
    return str(value) if isinstance(value, Text) else value
