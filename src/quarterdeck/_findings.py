"""Rules that find unsafe or broken settings of an app, and their findings.

Each room contributes its own: the module ``checks`` of a room has a table ``RULES``, and its state
an attribute ``rules``. The room ``quarterdeck.checks`` runs them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quart import Quart


class Severity(IntEnum):
    """How bad a finding is; a higher one is worse."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a rule has found.

    Attributes:
        setting: The configuration key, or the subject; None if the problem names it.
        problem: The rest of a sentence that begins with the setting.
        remedy: A sentence that the reader can follow now.
    """

    setting: str | None
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with the rule that found it."""

    id: str
    severity: Severity
    setting: str | None
    problem: str
    remedy: str

    def __str__(self) -> str:
        subject = "" if self.setting is None else f"'{self.setting}' "
        end = "" if self.problem.endswith(".") else "."
        return f"{subject}{self.problem}{end} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Target:
    """The installation that rules look at.

    Attributes:
        app: The app.
        server: The configuration of the server, with the attributes of Hypercorn's ``Config``;
            None if it is not known.
        workers: How many processes serve.
    """

    app: Quart
    server: Any = None
    workers: int = 1

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value of the configuration of the app."""
        return self.app.config.get(name, default)


Find = Callable[[Target], Iterator[Problem] | AsyncIterator[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: Stays the same in all versions, and is not used again.
        severity: Of its findings.
        title: A sentence for the documentation.
        find: Yields the problems of an installation; plain or async.
        deploy: Whether it matters on a network only.
    """

    id: str
    severity: Severity
    title: str
    find: Find
    deploy: bool = True


def rule(id: str, severity: Severity, title: str, *, deploy: bool = True) -> Callable[[Find], Rule]:
    """Make a rule of a function; a decorator."""

    def decorate(find: Find) -> Rule:
        return Rule(id, severity, title, find, deploy)

    return decorate
