"""The results of the migration commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.script import Script


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration script.

    Attributes:
        id: Its revision id.
        message: The first paragraph of its docstring.
        path: The file.
        after: The ids of the revisions that come before it.
        is_head: Whether none comes after it.
    """

    id: str
    message: str
    path: Path
    after: tuple[str, ...]
    is_head: bool

    @classmethod
    def of(cls, script: Script) -> Revision:
        """Describe one of Alembic's scripts."""
        down = script.down_revision or ()
        return cls(
            id=script.revision,
            message=script.doc,
            path=Path(script.path),
            after=(down,) if isinstance(down, str) else tuple(down),
            is_head=script.is_head,
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """A script that has been run, upwards or downwards, and how long it took in seconds."""

    revision: Revision
    upwards: bool
    seconds: float


Progress = Callable[[Applied], None]
