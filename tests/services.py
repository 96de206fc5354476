"""Programs that some tests need and that may be missing on this machine."""

from __future__ import annotations

import os
import shutil

import pytest


def require_program(name: str, path: str) -> str:
    """Return the full path of a program, or skip the test by name and reason.

    With ``CI=true`` a missing program is a failure.

    Args:
        name: What people call it, for the reason.
        path: Its path, or its name on the search path.
    """
    found = shutil.which(path)
    if found is not None:
        return found
    reason = f"{name} is not on this machine (looked for {path})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
