"""Keys of names, addresses and phone numbers that are equal however they are written."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from quarterdeck_crm.models.collation import fold
from quarterdeck_crm.models.duplicate import KEY_LENGTH

MIN_PHONE = 6  # digits; fewer are an extension, which many share
MIN_QUERY = 5  # digits of a number that is being typed
# Country codes of one and of two digits; all others have three.
_SHORT_CODES = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]", re.ASCII)
_TRUNK = re.compile(r"\(0\)")
_PHONE = re.compile(r"[+(]*\d[\d\s().\-/\u00a0\u2011\u2013]*", re.ASCII)
# Forms of companies, which one user writes and another leaves out.
_LEGAL = frozenset(
    re.findall(
        r"\w+",
        """
        ab ag as asa bv co company corp corporation ek eg eu gmbh inc incorporated kg
        kgaa limited llc llp ltd mbh nv ohg oy oyj plc pte pty sa sarl sas se sl spa
        srl ug und and the
        """,
    )
)
_LEGAL_ENDS = ("股份有限公司", "有限责任公司", "有限公司", "株式会社")
# Providers whose domain says nothing about the company of an address.
PUBLIC_PROVIDERS = frozenset(
    re.findall(
        r"\S+",
        """
        126.com 139.com 163.com aol.com bluewin.ch foxmail.com free.fr gmail.com gmx.at
        gmx.ch gmx.com gmx.de gmx.net googlemail.com hotmail.co.uk hotmail.com
        hotmail.de icloud.com laposte.net libero.it live.com mac.com mail.com mail.ru
        mailbox.org me.com msn.com naver.com orange.fr outlook.com outlook.de posteo.de
        proton.me protonmail.com qq.com rocketmail.com sina.com sohu.com t-online.de
        wanadoo.fr web.de yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yandex.ru yeah.net
        ymail.com zoho.com
        """,
    )
)


def phone_key(text: str | None) -> str | None:
    """Return the digits of a number without country code and leading zeros; None if too few.

    ``+49 30 901820``, ``0049 (0)30 901820`` and ``030/901820`` have the same key.
    """
    number = _national(text or "")
    return number if len(number) >= MIN_PHONE else None


def phone_words(text: str | None) -> set[str]:
    """Return the words by which a number is found: with and without its country code."""
    if (key := phone_key(text)) is None:
        return set()
    return {key, _digits(text or "").lstrip("0")}


def phone_query(q: str) -> str | None:
    """Return the beginning of a number that a search text is, in the form of ``phone_words``.

    None if it is no number, or one word of digits, which may be a code as well.
    """
    text = q.strip()
    if not _PHONE.fullmatch(text) or not (text[0] in "+0(" or len(text.split()) > 1):
        return None
    number = _national(text)
    return number if len(number) >= MIN_QUERY else None


def name_key(text: str | None) -> str | None:
    """Return the name of a company without its legal form, or of a person in any order."""
    folded = fold(text or "")
    for end in _LEGAL_ENDS:
        folded = folded.removesuffix(end)
    dotless = folded.replace(".", "")
    words = re.findall(r"\w+", dotless.replace("'", ""))
    found = [word for word in words if word not in _LEGAL] or words
    return " ".join(found)[: KEY_LENGTH - 8] or None


def person_name_key(text: str | None) -> str | None:
    """Return the name of a person; ``Anker, Ada`` has the same as ``Ada Anker``."""
    words = sorted(re.findall(r"\w+", fold(text or "")))
    return " ".join(words)[: KEY_LENGTH - 8] or None


def domain_key(address: str | None) -> str | None:
    """Return the domain of an e-mail address or website, unless many companies share it."""
    text = (address or "").strip().lower()
    if "@" in text:
        domain = text.rpartition("@")[2]
    else:
        try:
            domain = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        except ValueError:
            return None
        domain = domain.removeprefix("www.")
    if "." not in domain or domain in PUBLIC_PROVIDERS:
        return None
    return domain[: KEY_LENGTH - 8]


def mail_key(address: str | None) -> str | None:
    """Return a whole e-mail address as it counts as the same."""
    text = (address or "").strip().casefold()
    return text[: KEY_LENGTH - 8] if "@" in text else None


def _digits(text: str) -> str:
    return "".join(char for char in _TRUNK.sub("", text) if char in "0123456789")


def _national(text: str) -> str:
    digits = _digits(text)
    is_international = text.strip().lstrip("(").startswith("+") or digits.startswith("00")
    if not is_international:
        return digits.lstrip("0")
    number = digits.lstrip("0")
    code = _SHORT_CODES.match(number)
    return number[code.end() if code else 3 :].lstrip("0")
