"""The apps in this folder are ported by the tests; their own tests run in copies."""

from __future__ import annotations

collect_ignore = ["apps"]
