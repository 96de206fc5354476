"""The texts of the pages in the language of a reader, taken from its catalogue."""

from __future__ import annotations

import re

from quarterdeck_crm.languages import ENGLISH
from tests.crm.languages import catalogs


class Words:
    """Translates English texts. A text that no page has any more is an error.

    Args:
        code: The language, such as ``zh_Hans``.
    """

    def __init__(self, code: str) -> None:
        catalog = catalogs.read(catalogs.TRANSLATED[0] if code == ENGLISH else code)
        self._texts: dict[str, str] = {}
        for message in catalog:
            ids = [message.id] if isinstance(message.id, str) else [*message.id]
            texts = (
                [message.string] if isinstance(message.string, str) else [*(message.string or ())]
            )
            self._texts[ids[0]] = (ids if code == ENGLISH else texts)[-1]  # for several

    def __call__(self, text: str, **values: object) -> str:
        """Return a text with its values, as ``gettext`` does."""
        found = self._texts[text]
        return (found % values if values else found).replace("%%", "%")

    def pattern(self, text: str) -> re.Pattern[str]:
        """Return what matches a text with any values."""
        return re.compile(re.sub(r"%\\\(\w+\\\)s|\\\{\w+\\\}", ".+", re.escape(self._texts[text])))
