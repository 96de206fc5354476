"""The extension: it asks the dependencies of an app, all at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from quart import current_app, request

from quarterdeck._quart import unwrap
from quarterdeck._repeated_logs import OutageLog
from quarterdeck._server_state import is_draining
from quarterdeck._state import states_of
from quarterdeck.config import read

from .config import CONFIG, STATE, Check, HealthState

if TYPE_CHECKING:
    from quart import Quart

logger = logging.getLogger("quarterdeck.health")


class Health:
    """Tells whether an app can serve requests.

    The rooms of the app contribute the checks ``database``, ``sessions`` and ``live``.

    Args:
        app: Initialise for this app at once.
    """

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration.

        Raises:
            ConfigurationError: If a key has a wrong value.
            ExtensionAlreadyInitializedError: If it was called for ``app`` before.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        STATE.attach(app, HealthState(config["HEALTH_TIMEOUT_SECONDS"]), self)

    def check(self, app: Quart, name: str) -> Callable[[Check], Check]:
        """Register an async function that raises if a dependency is down; a decorator.

        A check with the name of another one replaces it.
        """

        def register(function: Check) -> Check:
            STATE.get(app).checks[name] = function
            return function

        return register

    async def live(self) -> tuple[dict[str, Any], int]:
        """Return the answer of ``/health/live``: 200 as long as the event loop runs."""
        return {"status": "live"}, 200

    async def ready(self) -> tuple[dict[str, Any], int]:
        """Return the answer of ``/health/ready``: 200 if all dependencies answer, else 503.

        The body names those that are down, and the seconds that each took. While the server
        drains, the answer is 503 without asking them. Reasons go to the log only.
        """
        if is_draining(request.scope):
            return {"status": "draining"}, 503
        checks = checks_of(unwrap(current_app))
        results = await asyncio.gather(*(self._ask(name, checks[name]) for name in checks))
        found = dict(zip(checks, results, strict=True))
        down = [name for name, result in found.items() if result["status"] == "down"]
        if down:
            return {"status": "unavailable", "down": down, "checks": found}, 503
        return {"status": "ready", "checks": found}, 200

    async def _ask(self, name: str, check: Check) -> dict[str, Any]:
        state, began, status = STATE.get(), perf_counter(), "up"
        outages = state.outages.setdefault(name, OutageLog(logger, f"The dependency '{name}'"))
        try:
            async with asyncio.timeout(state.timeout):
                await check()
        except Exception as error:
            status = "down"
            outages.failed(error)
        else:
            outages.works()
        return {"status": status, "seconds": round(perf_counter() - began, 4)}


def checks_of(app: Quart) -> dict[str, Check]:
    """Return the checks of an app by name: those of its rooms, then its own."""
    found: dict[str, Check] = {}
    for state in states_of(app):
        if (contribute := getattr(state, "health_checks", None)) is not None:
            found |= contribute()
    return found | STATE.get(app).checks
