"""How many examples Hypothesis makes up: few in each run, and all in a thorough one."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

IS_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SHARE = 5  # a plain run makes a fifth of the examples


def made_up(examples: int) -> settings:
    """Return the settings of a test with so many examples in a thorough run."""
    return settings(
        max_examples=examples if IS_THOROUGH else examples // SHARE,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
