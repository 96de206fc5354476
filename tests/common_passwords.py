"""Write the list of common passwords from the one that Django ships::

    python -m tests.common_passwords

Django is among the tools of ``bench``. Its list holds 20,000 passwords of leaked accounts, in
lower case. Only what the rule of ``validation.passwords`` compares is kept: passwords that are long
enough and refused for no other reason, and words that others make longer.
"""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path

from quarterdeck_crm.validation import passwords

TARGET = Path(passwords.__file__).with_name("common_passwords.txt")
MIN_STEM = 4
HEADER = """\
# Common passwords of leaked accounts, without those that the rule refuses for another reason.
# Made by 'python -m tests.common_passwords' from the list of Django 5.2 (BSD-3-Clause, (c) Django
# Software Foundation), which Royce Williams made from published leaks.
"""


def main() -> None:
    source = (files("django.contrib.auth") / "common-passwords.txt.gz").read_bytes()
    listed = {passwords.fold(line) for line in gzip.decompress(source).decode().split()}
    stems = {passwords._stem(password)[0] for password in listed}
    stems = {stem for stem in stems if len(stem) >= MIN_STEM}
    TARGET.write_text(HEADER + "".join(f"{stem}\n" for stem in sorted(stems)), "utf-8")
    passwords._common.cache_clear()
    whole = {
        password
        for password in listed
        if len(password) >= passwords.MIN_PASSWORD and not is_refused(password)
    }
    TARGET.write_text(HEADER + "".join(f"{each}\n" for each in sorted(stems | whole)), "utf-8")


def is_refused(password: str) -> bool:
    try:
        passwords.check_password(password)
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    main()
