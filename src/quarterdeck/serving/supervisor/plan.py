"""The order that the supervisor gives to the processes it starts."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

from quarterdeck.exceptions import ServingTargetError
from quarterdeck.serving.config import Config

Check = Callable[[Any], Awaitable[None]]


async def no_check(_app: Any) -> None:
    """Find nothing to refuse."""


@dataclass(frozen=True)
class Plan:
    """All that a worker has to know; it can be sent as JSON.

    Attributes:
        target: The app as ``module:app`` or ``module:create_app()``.
        config_file: A ``hypercorn.toml``, read again by each worker.
        settings: Keys that win over the file.
        workers: How many processes serve; None is ``workers`` in the configuration.
        check: ``module:function``, an async function that is given the app before it serves and
            raises if it cannot.
        checks_extensions: Whether the extensions of the app are asked as well, after its
            ``before_serving`` functions.
        secure: The number of listening sockets with TLS, which come first; set by the supervisor.
    """

    target: str
    config_file: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    workers: int | None = None
    check: str | None = None
    checks_extensions: bool = True
    secure: int = 0

    def config(self) -> Config:
        """Return the configuration of the server.

        Raises:
            ServerConfigurationError: If the file has an unknown key or a wrong value.
        """
        config = Config() if self.config_file is None else Config.from_toml(self.config_file)
        for name, value in self.settings.items():
            setattr(config, name, value)
        return config

    @property
    def count(self) -> int:
        """How many processes serve."""
        return self.config().workers if self.workers is None else self.workers

    def load(self) -> Any:
        """Import the app.

        Raises:
            ServingTargetError: If there is no such module or attribute.
        """
        found = resolve(self.target.removesuffix("()"))
        return found() if self.target.endswith("()") else found

    def load_check(self) -> Check:
        """Import the function that is awaited before an app serves.

        Raises:
            ServingTargetError: If there is no such module or attribute.
        """
        return no_check if self.check is None else cast(Check, resolve(self.check))

    def without_checks(self) -> Plan:
        """Return the plan for a worker that takes the place of one."""
        return replace(self, check=None, checks_extensions=False)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as the argument of another process; see ``from_json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the plan of ``to_json``."""
        return cls(**values)


def resolve(name: str) -> Any:
    """Import ``module:attribute``; the current folder counts.

    Raises:
        ServingTargetError: If there is no such module or attribute.
    """
    module_name, _, path = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if module_name == missing or module_name.startswith(f"{missing}."):
            raise ServingTargetError(name, f"there is no module '{missing}'") from None
        raise
    for part in (path or "app").split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ServingTargetError(name, f"'{module_name}' has no '{part}'") from None
    return found
