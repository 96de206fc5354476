"""The rule for new passwords, after NIST SP 800-63B: long, and not a guess that comes early.

No kinds of characters are required. A password is refused if it is common, made of its user's or
the site's name, or made of repetitions and rows of keys; adding a few characters does not help.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

from quarterdeck_crm.languages import lazy as _l

MIN_PASSWORD = 10
MAX_PASSWORD = 128  # hashing a megabyte would be a gift to an attacker
MIN_OWN = 6  # characters that must remain when everything easy to guess is taken away
MIN_DIFFERENT = 5
MIN_WORD = 3  # shorter parts of a name occur in passwords by chance

LENGTH = _l(
    "Choose a password of %(min_password)s to %(max_password)s characters.",
    min_password=MIN_PASSWORD,
    max_password=MAX_PASSWORD,
)
COMMON = _l(
    "This is one of the passwords that attackers try first, or close to one. "
    "Choose another, such as four unrelated words."
)
PERSONAL = _l(
    "This is made of your name, your address or the name of this site, which is easy to guess. "
    "Choose another, such as four unrelated words."
)
REGULAR = _l(
    "This repeats characters or follows a row, such as 'abcabc' or '12345', which is easy to "
    "guess. Choose another, such as four unrelated words."
)

SITE_WORDS = ("quarterdeck", "crm")

_ROWS = (
    *("01234567890", "abcdefghijklmnopqrstuvwxyz", "!@#$%^&*()_+", '!"§$%&/()=?'),
    *("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiopü+", "asdfghjklöä", "yxcvbnm,.-"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn"),
)
_STEPS: dict[tuple[str, str], set[int]] = {}  # the rows in which one character follows another
for _number, _row in enumerate((*_ROWS, *(row[::-1] for row in _ROWS))):
    for _step in pairwise(_row):
        _STEPS.setdefault(_step, set()).add(_number)
_LETTER_FOR = str.maketrans("0134578@$!|€", "oieastbasiie")
_WORDS = re.compile(r"[^\W_]+")


def check_password(password: str, *, personal: Iterable[str] = ()) -> None:
    """Refuse a new password that is too short, too long or easy to guess.

    It reads a list of common passwords when it is first called, so call it in a thread.

    Args:
        password: As entered.
        personal: Texts that an attacker knows of its user, such as the name and the address.

    Raises:
        ValueError: With the reason and the remedy.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise ValueError(LENGTH)
    folded = fold(password)
    if _is_common(folded):
        raise ValueError(COMMON)
    if _is_personal(folded, personal):
        raise ValueError(PERSONAL)
    if _is_regular(folded):
        raise ValueError(REGULAR)


def fold(password: str) -> str:
    """Return a password as it is compared: upper and lower case count the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", password).casefold())


def _is_common(folded: str) -> bool:
    stem, around = _stem(folded)
    if _own(around) >= MIN_OWN:
        return folded in _common()
    stem = _unit(stem)
    return not _common().isdisjoint({folded, stem, stem.translate(_LETTER_FOR)})


def _stem(folded: str) -> tuple[str, str]:
    """Split a password into its part from the first to the last letter, and all around it."""
    letters = [at for at, character in enumerate(folded) if character.isalpha()]
    if not letters:
        return "", folded
    begin, end = letters[0], letters[-1] + 1
    return folded[begin:end], folded[:begin] + folded[end:]


def _is_personal(folded: str, personal: Iterable[str]) -> bool:
    words = _words_of((*personal, *SITE_WORDS))
    for text in (folded, folded.translate(_LETTER_FOR)):
        rest = text
        for word in words:
            rest = rest.replace(word, "").replace(word[::-1], "")
        if rest != text and _own(rest) < MIN_OWN:
            return True
    return False


def _words_of(texts: Iterable[str]) -> list[str]:
    """Return texts, their words and their words in one, the longest first."""
    found = set()
    for text in map(fold, texts):
        parts = _WORDS.findall(text)
        found |= {text, "".join(parts), *parts}
    return sorted((word for word in found if len(word) >= MIN_WORD), key=len, reverse=True)


def _is_regular(folded: str) -> bool:
    unit = _unit(folded)
    return (
        (unit != folded and len(unit) < MIN_PASSWORD)
        or len(set(folded)) < MIN_DIFFERENT
        or _own(folded) < MIN_OWN
        or _own(folded[::2]) + _own(folded[1::2]) < MIN_OWN  # two rows, taken in turns
    )


def _own(text: str) -> int:
    """Count the characters that are no repetition and no step along a row."""
    kept = 0
    rows: set[int] = set()
    for before, after in pairwise(f" {text}"):
        if before == after:
            continue
        step = _STEPS.get((before, after), set())
        if not step & rows:
            kept += 1
        rows = step & rows or step
    return kept


def _unit(text: str) -> str:
    """Return the part that a text repeats, or all of it; the last repetition may be cut."""
    for length in range(1, len(text) // 2 + 1):
        if all(text[at] == text[at - length] for at in range(length, len(text))):
            return text[:length]
    return text


@cache
def _common() -> frozenset[str]:
    lines = (files(__package__) / "common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))
