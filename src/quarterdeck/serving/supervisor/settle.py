"""Tidy the memory of a process that has imported an app, before it forks or serves."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress


def settle() -> None:
    """Let workers that are forked now copy fewer pages of memory than they would.

    A worker copies each page that it writes to, and Python writes in many places where a program
    only reads.
    """
    gc.collect()
    gc.freeze()  # the collector would write to each object
    if sys.version_info < (3, 12):  # later versions count no references to such names
        # The cache of attributes holds names that the import used. A worker would replace them
        # one by one by those of its requests, and write the count of references of both.
        sys._clear_type_cache()
    _return_free_memory()


def _return_free_memory() -> None:
    """Return what the import has freed to the system; only glibc has a function for that."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
