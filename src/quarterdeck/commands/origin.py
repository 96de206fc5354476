"""Where the installed Quarterdeck came from, as a requirement for pip."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

PACKAGE = "quarterdeck"
_UNSAFE = re.compile(r"[\s\"'`$\\]")  # in a Makefile and in a shell


def installed_from() -> str:
    """Return the requirement that installs the same Quarterdeck: its name if an index has it."""
    try:
        text = distribution(PACKAGE).read_text("direct_url.json")  # PEP 610
    except PackageNotFoundError:  # run from a folder that is on the path
        text = None
    return PACKAGE if text is None else requirement_of(json.loads(text))


def requirement_of(origin: dict[str, Any]) -> str:
    """Return the requirement for an origin as PEP 610 describes it."""
    url = str(origin["url"])
    vcs = origin.get("vcs_info")
    if vcs is not None:
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    if (folder := origin.get("subdirectory")) is not None:
        url += f"#subdirectory={folder}"
    return f"{PACKAGE} @ {url}"


def requirement_from(text: str) -> str:
    """Return the requirement for a folder, a wheel, a URL or a version that a user named.

    Raises:
        ValueError: If it is none of them; the text describes the problem.
    """
    if (path := Path(text)).exists():
        return f"{PACKAGE} @ {path.absolute().as_uri()}"
    if _UNSAFE.search(text):
        raise ValueError("has characters that a Makefile cannot hold")
    if "://" in text:
        return f"{PACKAGE} @ {text}"
    if re.match(rf"{PACKAGE}(?![\w-])", text):
        return text
    raise ValueError("does not exist")


def is_local(requirement: str) -> bool:
    """Whether other machines cannot reach the origin."""
    return "@ file:" in requirement
