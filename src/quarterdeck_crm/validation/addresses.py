"""The rule for addresses that users sign in with: one spelling, and none that looks like another.

It follows PRECIS (RFC 8264 and 8265) and IDNA 2008: compatibility forms and upper case are mapped,
a domain is stored in Unicode, and only letters, marks and digits are allowed beyond ASCII. As in
UTS 39, each part of an address is written in one script, and of two addresses that look the same
the second one is refused.
"""

from __future__ import annotations

import re
import unicodedata

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from quarterdeck_crm.languages import lazy as _l

MAX_ADDRESS = 254

INVALID = _l("Enter an e-mail address such as ada@example.com.")
SYMBOLS = _l("Remove '{}' from the address: only letters and digits are allowed beyond ASCII.")
MIXED = _l(
    "'{}' mixes letters of different scripts, which can hide another address. Use one script."
)

# Single letters that look like ASCII, from confusables.txt of Unicode 15.1 (UTS 39); letters that
# NFKC, lower case or the removal of marks make equal are left out.
_LOOKS_LIKE = str.maketrans(
    "ıƍƽǀȣɑɡɣɩɪɯʋʏαγινορσυϳабгеорсухѕіјѡѵүһҽӏԁԛԝագզհոռսցքօყᴄᴏᴑᴜᴠᴡᴢᴦᶃᶌẝỿⲅⲟⲣⲥꙇꜱꞙꞟ",
    "igsl8agyiiwuyayivopouja6reopcyxsijwvyheldqwwqqhnnugfoycoouvwzrgyfyropcisfu",
)
_EAST_ASIAN = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})


def fold_address(raw: str) -> str:
    """Return an address in the form in which it is stored, however it was written.

    It is not checked: a text that is no address comes back in lower case.
    """
    text = unicodedata.normalize("NFKC", raw.strip())
    try:
        address = _parse(text)
    except EmailNotValidError:
        return _lower(text)
    return f"{_lower(address.local_part)}@{_lower(address.domain)}"


def fit_address(raw: str) -> str:
    """Return an address in the form in which it is stored.

    Raises:
        ValueError: If a user cannot have it, with the reason and the remedy.
    """
    folded = fold_address(raw)
    try:
        _parse(folded)
    except EmailNotValidError:
        raise ValueError(INVALID) from None
    if max(len(folded), len(address_key(folded))) > MAX_ADDRESS:
        raise ValueError(INVALID)
    local, _at, domain = folded.rpartition("@")
    for part in (local, *domain.split(".")):
        _check_letters(part)
    return folded


def address_key(folded: str) -> str:
    """Return the form that is unique: equal for addresses that look the same.

    Accents do not count, because a glance misses them and not every database tells them apart.
    """
    bare = "".join(
        character
        for character in unicodedata.normalize("NFKD", folded.casefold())
        if not unicodedata.combining(character)
    )
    return unicodedata.normalize("NFC", bare.translate(_LOOKS_LIKE))


def _parse(text: str) -> ValidatedEmail:
    return validate_email(text, check_deliverability=False)


def _lower(text: str) -> str:
    return unicodedata.normalize("NFKC", text.lower())


def _check_letters(part: str) -> None:
    scripts = set()
    for character in part:
        category = unicodedata.category(character)
        if not character.isascii() and category[0] not in "LMN":
            raise ValueError(SYMBOLS.format(character))
        if category[0] == "L":
            scripts.add(_script(character))
    others = scripts - {"LATIN"}
    if len(scripts) > 1 and not any(others <= allowed for allowed in _EAST_ASIAN):
        raise ValueError(MIXED.format(part))


def _script(letter: str) -> str:
    """Return the script of a letter: the first word of its name, the best that Python knows."""
    word = re.split(r"[ -]", unicodedata.name(letter, ""))[0]
    return "CJK" if word == "IDEOGRAPHIC" else word
