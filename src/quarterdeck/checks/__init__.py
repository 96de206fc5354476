"""Find settings of an app that cannot work, or are unsafe on a network.

``quarterdeck check APP --deploy`` runs the rules of all rooms that the app uses. ``Checks(app)``
adds rules of the app itself.
"""

from __future__ import annotations

from quarterdeck._findings import Finding, Problem, Rule, Severity, Target, rule
from quarterdeck._weak_secrets import weakness_of

from .command import make_command
from .extension import Checks
from .running import rules_of, run_rules

__all__ = [
    "Checks",
    "Finding",
    "Problem",
    "Rule",
    "Severity",
    "Target",
    "make_command",
    "rule",
    "rules_of",
    "run_rules",
    "weakness_of",
]
