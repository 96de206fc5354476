"""Whether a database is up to date, without Alembic: for a server that starts."""

from __future__ import annotations

import ast
import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from .place import Place

# "revision: str = 'a1'" at the beginning of a line; a tuple may take several lines.
_ENTRY = re.compile(r"^(revision|down_revision)\b[^=\n]*=\s*(\([^)]*\)|[^\n]*)", re.M)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands, by the ids of revisions.

    Attributes:
        applied: At which it stands; empty before the first migration.
        heads: Of the scripts, those that no other comes after.
        unknown: Those of ``applied`` without a script.
    """

    applied: frozenset[str]
    heads: frozenset[str]
    unknown: frozenset[str]

    @property
    def is_current(self) -> bool:
        """Whether every script has been run."""
        return self.applied == self.heads


async def standing(directory: str | Path | None = None, *, bind: str | None = None) -> Standing:
    """Return where the database stands, without importing Alembic and the scripts.

    ``current`` and ``heads`` tell more, and take longer.

    Args:
        directory: The folder of the migrations.
        bind: The bind key of the database.
    """
    place = Place(directory, bind)
    after = await asyncio.to_thread(_read, place.versions)
    applied = frozenset(await place.current_ids())
    before = {revision for revisions in after.values() for revision in revisions}
    return Standing(applied, frozenset(after.keys() - before), applied - after.keys())


def _read(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return each revision of the scripts in a folder with those it comes after."""
    found = {}
    for path in folder.glob("*.py"):
        entries = dict(_ENTRY.findall(path.read_text("utf-8")))
        if "revision" in entries:
            after = ast.literal_eval(entries.get("down_revision", "None").strip()) or ()
            revision = ast.literal_eval(entries["revision"].strip())
            found[revision] = (after,) if isinstance(after, str) else tuple(after)
    return found
