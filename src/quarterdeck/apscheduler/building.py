"""Makes the scheduler of an app from its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tzlocal import get_localzone

from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError

from .api import Endpoints
from .config import CONFIG, STORES
from .coordinator import Coordinator
from .events import Listeners
from .options import DEFAULTS
from .registry import Declaration
from .scheduler import Scheduler, Settings
from .store import JobStore
from .triggers import zone_of

if TYPE_CHECKING:
    from quart import Quart

    from .extension import APScheduler


def make_scheduler(
    extension: APScheduler, app: Quart, listeners: Listeners, tasks: list[Declaration]
) -> tuple[Scheduler, bool]:
    """Return the scheduler of an app, and whether it starts with the app.

    Raises:
        ConfigurationError: If a key cannot work.
    """
    config = read(app, CONFIG)
    stores = {
        alias: _make_store(alias, value, config, app)
        for alias, value in config["SCHEDULER_JOBSTORES"].items()
    }
    module = _load(config["SCHEDULER_LEASE"], "SCHEDULER_LEASE")
    coordinator: Coordinator = module.make_coordinator(config, app)
    declared = _Declarations([_declaration(each) for each in _jobs(config)], tasks)
    scheduler = Scheduler(app, _settings(config), stores, coordinator, listeners, declared)
    for declaration in declared:
        scheduler.registry.build(declaration)
    if config["SCHEDULER_API_ENABLED"] or config["SCHEDULER_VIEWS_ENABLED"]:
        _register_endpoints(extension, config, app)
    return scheduler, config["SCHEDULER_AUTOSTART"]


class _Declarations(Sequence[Declaration]):
    """The jobs of the configuration, then those of the extension, which may grow."""

    def __init__(self, configured: list[Declaration], tasks: list[Declaration]) -> None:
        self._configured = configured
        self._tasks = tasks

    def __len__(self) -> int:
        return len(self._configured) + len(self._tasks)

    def __getitem__(self, index: Any) -> Any:
        return [*self._configured, *self._tasks][index]


def _settings(config: Mapping[str, Any]) -> Settings:
    defaults = config["SCHEDULER_JOB_DEFAULTS"]
    if strange := set(defaults) - set(DEFAULTS):
        raise ConfigurationError(
            "SCHEDULER_JOB_DEFAULTS",
            f"has {min(strange)!r}",
            f"Choose among {', '.join(DEFAULTS)}.",
        )
    return Settings(
        zone=_zone(config["SCHEDULER_TIMEZONE"]),
        defaults=defaults,
        executors=dict(_executor(*item) for item in config["SCHEDULER_EXECUTORS"].items()),
        allowed_hosts=[host.lower() for host in config["SCHEDULER_ALLOWED_HOSTS"]],
        lease_seconds=config["SCHEDULER_LEASE_SECONDS"],
        poll_seconds=config["SCHEDULER_POLL_SECONDS"],
        shutdown_seconds=config["SCHEDULER_SHUTDOWN_SECONDS"],
        history_seconds=config["SCHEDULER_HISTORY_SECONDS"],
    )


def _zone(value: Any) -> Any:
    try:
        return get_localzone() if value is None else zone_of(value)
    except (LookupError, TypeError, ValueError, OSError):
        raise ConfigurationError(
            "SCHEDULER_TIMEZONE", f"is {value!r}", "Name a zone such as 'Europe/Berlin'."
        ) from None


def _executor(alias: str, value: Any) -> tuple[str, int]:
    options = value if isinstance(value, Mapping) else {}
    workers = options.get("max_workers", 10)
    known = options.get("type", "threadpool") in {"threadpool", "asyncio"}
    if not (known and isinstance(workers, int) and workers > 0):
        raise ConfigurationError(
            "SCHEDULER_EXECUTORS",
            f"has {alias!r}: {value!r}",
            "Write {'type': 'threadpool', 'max_workers': 10}. Other executors of APScheduler know "
            "no app context.",
        )
    return alias, workers


def _make_store(alias: str, value: Any, config: Mapping[str, Any], app: Quart) -> JobStore:
    if isinstance(value, JobStore):
        return value
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in STORES:
        raise ConfigurationError(
            "SCHEDULER_JOBSTORES",
            f"has {alias!r}: {value!r}",
            f"Write {{'type': ...}} with one of {', '.join(STORES)}. The job stores of APScheduler "
            "block the event loop and unpickle what they read.",
        )
    store: JobStore = _load(kind, "SCHEDULER_JOBSTORES").make_store(value, config, app)
    return store


def _load(kind: str, key: str) -> Any:
    try:
        return import_module(f".{kind}", __package__)
    except ImportError as error:
        raise ConfigurationError(
            key,
            f"names {kind!r}, which needs the package '{error.name}', and that is not installed",
            f"Install it with: pip install 'quarterdeck[{kind}]'",
        ) from error


def _jobs(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return config["SCHEDULER_JOBS"] or config["JOBS"] or []


def _declaration(options: dict[str, Any]) -> Declaration:
    rest = {name: value for name, value in options.items() if name not in {"id", "func"}}
    rest.pop("replace_existing", None)
    try:
        return Declaration(options["id"], options["func"], rest)
    except KeyError as error:
        raise ConfigurationError(
            "SCHEDULER_JOBS", f"has a job without {error}", "Give each job an 'id' and a 'func'."
        ) from None


def _register_endpoints(extension: APScheduler, config: Mapping[str, Any], app: Quart) -> None:
    auth = config["SCHEDULER_AUTH"]
    if auth is None:
        raise ConfigurationError(
            "SCHEDULER_API_ENABLED",
            "opens the scheduler to all clients, because SCHEDULER_AUTH is not set",
            "Set SCHEDULER_AUTH to HTTPBasicAuth() and register a function with "
            "'@scheduler.authenticate', or set it to False.",
        )
    endpoints = Endpoints(extension, auth, frozenset(config["SCHEDULER_API_FUNCTIONS"]))
    path, name = config["SCHEDULER_API_PREFIX"], config["SCHEDULER_ENDPOINT_PREFIX"]
    endpoints.register(app, path, name)
