"""One place in a project that needs a person, with the cure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A place with a problem and its remedy.

    Attributes:
        path: The file, relative to the project.
        line: The line in it; 0 if the finding is about the whole file.
    """

    path: str
    line: int
    problem: str
    cure: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.problem} {self.cure}"
