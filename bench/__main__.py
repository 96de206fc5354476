"""Run every measurement: ``python -m bench``; one by name: ``python -m bench hello``."""

from __future__ import annotations

import importlib
import sys

MEASUREMENTS = ["hello"]

for name in sys.argv[1:] or MEASUREMENTS:
    print(f"== {name}")
    importlib.import_module(f"bench.{name}").main()
