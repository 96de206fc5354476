"""Phone numbers, stored in one form so that the same number is found again."""

from __future__ import annotations

import re

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l

# The last ones come along with a number that is copied from a phone.
_FILLING = re.compile(r"[\s().\-/\u00a0\u2011\u2013\u200b\u200e\u200f\u202a-\u202c\u2066-\u2069]")
_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_INTERNATIONAL = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

PHONE_HELP = _l(
    "A mobile number such as 13812345678, or any number in international form, "
    "such as +49 30 901820."
)


def normalize_phone(raw: str) -> str:
    """Return a mainland-China mobile number as its 11 digits, any other as ``+`` and digits.

    Raises:
        ValueError: If it is neither; users read the text.
    """
    number = _FILLING.sub("", raw)
    if _MOBILE.fullmatch(mobile := number.removeprefix("+86")):
        return mobile
    if _INTERNATIONAL.fullmatch(number):
        return number
    raise ValueError(
        _("This is not a phone number that can be dialled. %(phone_help)s", phone_help=PHONE_HELP)
    )
