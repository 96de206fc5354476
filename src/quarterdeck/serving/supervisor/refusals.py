"""Reasons not to serve an app, found before it accepts connections."""

from __future__ import annotations

from typing import Any

from quarterdeck._marks import refuse_marks_without_extension
from quarterdeck._quart_keys import wrong_values
from quarterdeck._state import states_of
from quarterdeck._weak_secrets import REMEDY, is_known
from quarterdeck.exceptions import ConfigurationError, SingleProcessError


def refuse_unsafe(app: Any, workers: int) -> None:
    """Raise QuarterdeckError if an app cannot be served safely by so many processes."""
    for key, problem, remedy in wrong_values(getattr(app, "config", {})):
        raise ConfigurationError(key, problem, remedy)
    _refuse_bad_secret_key(app)
    if hasattr(app, "url_map"):
        refuse_marks_without_extension(app)
    refuse_several_processes(app, workers)


async def check_extensions(app: Any) -> None:
    """Let each extension of an app raise QuarterdeckError if it cannot serve.

    An extension takes part by a state with an awaitable method ``check_before_serving``.
    """
    checks = [getattr(state, "check_before_serving", None) for state in _states(app)]
    for check in checks:
        if check is not None:
            async with app.app_context():
                await check()


def _refuse_bad_secret_key(app: Any) -> None:
    config = getattr(app, "config", {})
    if config.get("DEBUG") or config.get("TESTING"):
        return
    key = config.get("SECRET_KEY")
    if key and is_known(key):
        raise ConfigurationError("SECRET_KEY", "is one that everybody knows", REMEDY)
    if not key and any(getattr(state, "needs_secret_key", False) for state in _states(app)):
        raise ConfigurationError("SECRET_KEY", "is not set", REMEDY)


def refuse_several_processes(app: Any, workers: int) -> None:
    found = [getattr(state, "single_process", None) for state in _states(app)]
    reasons = [reason for reason in found if reason is not None]
    if reasons and workers > 1:
        raise SingleProcessError(workers, reasons)


def _states(app: Any) -> list[object]:
    return states_of(app) if hasattr(app, "extensions") else []
