"""The states of a scheduler, as APScheduler numbers them."""

from __future__ import annotations

from apscheduler.schedulers import base

STATE_STOPPED: int = base.STATE_STOPPED
STATE_RUNNING: int = base.STATE_RUNNING
STATE_PAUSED: int = base.STATE_PAUSED
