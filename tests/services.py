"""Programs that some tests need and that may be missing on this machine."""

from __future__ import annotations

import os
import shutil

import pytest


def require_program(name: str, *paths: str) -> str:
    """Return the full path of a program, or skip the test by name and reason.

    With ``CI=true`` a missing program is a failure.

    Args:
        name: The usual name of it, for the reason.
        paths: Its path or its name on the search path; the first one found is taken.
    """
    for path in paths:
        if found := shutil.which(path):
            return found
    reason = f"{name} is not on this machine (looked for {' and '.join(paths)})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require_chromium() -> str:
    """Return the path of Chromium, preferably of the build without windows.

    Its pages are the same, for a quarter of the CPU time.
    """
    return require_program("Chromium", "chromium-headless-shell", "chromium")
