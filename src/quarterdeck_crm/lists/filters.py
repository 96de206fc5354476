"""The values that filters of lists can have.

A page ignores a filter that it cannot read, because it shows the filters in use. A file does not
show them, so an export refuses such a filter.
"""

from __future__ import annotations

from dataclasses import dataclass

from quarterdeck.babel import gettext as _
from quarterdeck_crm.validation.numbers import row_id


@dataclass(frozen=True, slots=True)
class Choices:
    """The values of a filter.

    Attributes:
        words: The words among them.
        takes_number: Whether a number, such as an id, is another choice.
    """

    words: tuple[str, ...] = ()
    takes_number: bool = False

    def problem(self, value: str) -> str | None:
        """Return why a filter cannot have this value; None if it can."""
        if value in self.words or (self.takes_number and row_id(value) is not None):
            return None
        words = ", ".join(self.words)
        if not words:
            return _("'%(value)s' is not a number.", value=value)
        if self.takes_number:
            return _(
                "'%(value)s' is neither a number nor one of: %(words)s.", value=value, words=words
            )
        return _("'%(value)s' is not one of: %(words)s.", value=value, words=words)


NUMBER = Choices(takes_number=True)
USER = Choices(("me", "none"), takes_number=True)
FLAG = Choices(("1",))
