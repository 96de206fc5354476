"""The tables of scheduled jobs, written by the scheduler and not as models."""

from __future__ import annotations

from quarterdeck.apscheduler.sqlalchemy import scheduler_tables
from quarterdeck_crm.extensions import Model

scheduler = scheduler_tables(Model.metadata)
