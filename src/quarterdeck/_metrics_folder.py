"""The folder in which the workers of a supervisor share their metrics.

The supervisor makes it, names it in the environment, and notes its own figures in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

#: The variable with the path. It is absent where one process serves.
VARIABLE = "QUARTERDECK_METRICS_FOLDER"
_FILE = "supervisor.json"


def metrics_folder() -> Path | None:
    """Return the shared folder, None where one process serves."""
    value = os.environ.get(VARIABLE)
    return Path(value) if value else None


def write_supervisor(folder: Path, workers: int, replaced: Mapping[str, int]) -> None:
    """Note how many workers there should be, and how many were replaced, by reason."""
    draft = folder / f"{_FILE}.new"
    draft.write_text(json.dumps({"workers": workers, "replaced": dict(replaced)}))
    draft.replace(folder / _FILE)


def read_supervisor(folder: Path) -> tuple[int, dict[str, int]]:
    """Return the figures of :func:`write_supervisor`; zeros before it was called."""
    try:
        values = json.loads((folder / _FILE).read_text())
    except FileNotFoundError:
        return 0, {}
    return values["workers"], values["replaced"]
