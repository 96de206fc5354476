"""The configuration keys of the scheduler, named as in Flask-APScheduler where they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quarterdeck._state import ExtensionState
from quarterdeck.config import (
    ConfigKey,
    anything,
    boolean,
    mapping,
    seconds,
    text,
    text_list,
    type_name,
)

if TYPE_CHECKING:
    from .scheduler import Scheduler

LEASES = ("memory", "sqlalchemy", "redis")
STORES = ("memory", "sqlalchemy", "redis", "mongodb")
MIN_LEASE = 0.5


@type_name(f"number or `timedelta`, at least {MIN_LEASE}")
def lease_seconds(raw: Any) -> float:
    """A length of time in seconds in which a lease can be renewed."""
    value = seconds(raw)
    if value < MIN_LEASE:
        raise ValueError(f"at least {MIN_LEASE} seconds")
    return value


@type_name("list of dictionaries")
def jobs(raw: Any) -> list[dict[str, Any]]:
    """A list of the arguments of ``add_job``."""
    if not isinstance(raw, list | tuple) or not all(isinstance(each, dict) for each in raw):
        raise ValueError("a list of dictionaries with 'id', 'func' and 'trigger'")
    return [dict(each) for each in raw]


CONFIG = (
    ConfigKey(
        "SCHEDULER_JOBS",
        None,
        jobs,
        "The jobs: a list of dictionaries with the arguments of `add_job`. None is `JOBS`.",
    ),
    ConfigKey("JOBS", None, jobs, "The jobs, if `SCHEDULER_JOBS` is not set."),
    ConfigKey(
        "SCHEDULER_JOBSTORES",
        {"default": {"type": "memory"}},
        mapping,
        "The job stores by alias, each a dictionary with `type`: `memory`, `sqlalchemy`, `redis` "
        "or `mongodb`; or a `JobStore`.",
    ),
    ConfigKey(
        "SCHEDULER_EXECUTORS",
        {"default": {"type": "threadpool", "max_workers": 10}},
        mapping,
        "The executors by alias, each a dictionary with `max_workers`: how many plain functions "
        "may run at once, each in a thread. Async functions run on the event loop, without limit.",
    ),
    ConfigKey(
        "SCHEDULER_JOB_DEFAULTS",
        {},
        mapping,
        "Defaults of the options of jobs: `coalesce`, `max_instances`, `misfire_grace_time`, "
        "`retries`, `retry_delay`.",
    ),
    ConfigKey(
        "SCHEDULER_TIMEZONE",
        None,
        anything,
        "The time zone of triggers that name none, such as `Europe/Berlin`. None is that of the "
        "machine.",
    ),
    ConfigKey(
        "SCHEDULER_AUTOSTART",
        True,
        boolean,
        "Whether the scheduler starts when the app begins to serve.",
    ),
    ConfigKey(
        "SCHEDULER_ALLOWED_HOSTS",
        ["*"],
        text_list,
        "The machines on which the scheduler may start, by host name; `*` is any.",
    ),
    ConfigKey(
        "SCHEDULER_LEASE",
        "memory",
        text,
        "Where the processes agree on the one that runs the jobs, and where the history of the "
        "runs is kept: `memory` for one process, `sqlalchemy` or `redis` for several.",
        choices=LEASES,
    ),
    ConfigKey(
        "SCHEDULER_LEASE_SECONDS",
        10.0,
        lease_seconds,
        "How long a process that died or froze keeps the lease. Another one takes over within "
        "this time and a fifth of it.",
        unit="seconds",
    ),
    ConfigKey(
        "SCHEDULER_POLL_SECONDS",
        1.0,
        lease_seconds,
        "How often the process that holds the lease looks for jobs that other processes changed.",
        unit="seconds",
    ),
    ConfigKey(
        "SCHEDULER_SHUTDOWN_SECONDS",
        10.0,
        seconds,
        "How long a stopping process waits for its runs. Those that take longer are recorded as "
        "interrupted.",
        unit="seconds",
    ),
    ConfigKey(
        "SCHEDULER_HISTORY_SECONDS",
        30 * 24 * 3600,
        seconds,
        "How long the history keeps a run.",
        unit="seconds",
    ),
    ConfigKey(
        "SCHEDULER_PREFIX",
        "scheduler",
        text,
        "How the names of tables, keys and collections begin. Give each app its own if several "
        "share a server.",
    ),
    ConfigKey(
        "SCHEDULER_SQLALCHEMY",
        None,
        anything,
        "An `AsyncEngine`, or a function that returns one. Required for `sqlalchemy`.",
    ),
    ConfigKey(
        "SCHEDULER_SQLALCHEMY_CREATE",
        True,
        boolean,
        "Whether missing tables are created at the first use. Migrations see the tables if "
        "`scheduler_tables` declares them.",
    ),
    ConfigKey(
        "SCHEDULER_REDIS",
        None,
        anything,
        "A `redis.asyncio.Redis` or a URL. None is `REDIS_URL`, or else "
        "`redis://127.0.0.1:6379/0`.",
    ),
    ConfigKey(
        "SCHEDULER_MONGODB",
        None,
        anything,
        "A `pymongo.AsyncMongoClient` or a URL. None is `mongodb://127.0.0.1:27017`.",
    ),
    ConfigKey(
        "SCHEDULER_API_ENABLED",
        False,
        boolean,
        "Whether the app has the JSON endpoints of the scheduler. They need `SCHEDULER_AUTH`.",
    ),
    ConfigKey(
        "SCHEDULER_VIEWS_ENABLED",
        False,
        boolean,
        "An older name of `SCHEDULER_API_ENABLED`.",
    ),
    ConfigKey("SCHEDULER_API_PREFIX", "/scheduler", text, "How the paths of the endpoints begin."),
    ConfigKey(
        "SCHEDULER_ENDPOINT_PREFIX",
        "scheduler.",
        text,
        "How the names of the endpoints begin, for `url_for`.",
    ),
    ConfigKey(
        "SCHEDULER_API_FUNCTIONS",
        [],
        text_list,
        "Functions that a client of the endpoints may choose for a job, as "
        "`package.module:name`, besides those of the declared jobs.",
    ),
    ConfigKey(
        "SCHEDULER_AUTH",
        None,
        anything,
        "How clients of the endpoints sign in, such as `HTTPBasicAuth()`; the function of "
        "`authenticate` decides. `False` opens the endpoints to all clients.",
    ),
)

STATE: ExtensionState[Scheduler] = ExtensionState("apscheduler", "APScheduler")
