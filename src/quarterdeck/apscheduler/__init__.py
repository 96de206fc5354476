"""Scheduled jobs: each runs once per due time, however many processes serve the app."""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("scheduler", "apscheduler")

from .auth import Authorization, HTTPAuth, HTTPBasicAuth
from .events import RunEvent
from .extension import APScheduler
from .job import Job
from .run import Outcome, Run
from .states import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED
from .store import JobStore
from .triggers import describe_trigger

__all__ = [
    "STATE_PAUSED",
    "STATE_RUNNING",
    "STATE_STOPPED",
    "APScheduler",
    "Authorization",
    "HTTPAuth",
    "HTTPBasicAuth",
    "Job",
    "JobStore",
    "Outcome",
    "Run",
    "RunEvent",
    "describe_trigger",
]
