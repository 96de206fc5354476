"""How a job is made and changed: its options, each checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import check_callable_args, convert_to_datetime, obj_to_ref, ref_to_obj

from quarterdeck.exceptions import JobOptionError

from .job import Job
from .triggers import ALL_OPTIONS, OPTIONS, make_trigger, spec_of, trigger_of

MAX_ID = 191  # characters; the longest that MySQL can index in any of its row formats
DEFAULTS: Mapping[str, Any] = {
    "coalesce": True,
    "max_instances": 1,
    "misfire_grace_time": 60,
    "retries": 0,
    "retry_delay": 10,
}
_ANY_TRIGGER = "Choose one of date, interval, cron and calendarinterval, or pass a trigger"


def make_job(
    id: str, func: Callable[..., Any] | str, options: Mapping[str, Any], zone: tzinfo
) -> Job:
    """Return a checked job.

    Args:
        id: Of the job.
        func: The function, or ``package.module:name``.
        options: Attributes of ``Job``, ``trigger`` and the options of the trigger.
        zone: The time zone, if the trigger names none.

    Raises:
        JobOptionError: If one of them cannot work.
    """
    given_id: Any = id
    if not isinstance(given_id, str) or not id.strip() or len(id) > MAX_ID:
        raise JobOptionError(str(id), "id", f"is {id!r}", f"Give text of 1 to {MAX_ID} characters")
    given = dict(DEFAULTS) | dict(options)
    given.setdefault("trigger", "date")
    job = Job(id, given.pop("name", None) or id, None, _take_trigger(id, given, zone))
    return change_job(job, {"args": (), "kwargs": {}, **given, "func": func}, zone)


def change_job(job: Job, changes: Mapping[str, Any], zone: tzinfo) -> Job:
    """Return a job with changes, which are checked as in :func:`make_job`.

    A new trigger, or a job that has not been due, gets its next run time from now.
    """
    given = dict(changes)
    schedules = "trigger" in given or job.version == 0
    if "trigger" in given:
        job = replace(job, trigger=_take_trigger(job.id, given, zone))
    if "func" in given or "args" in given or "kwargs" in given:
        job = _with_function(job, given)
    if "next_run_time" in given:
        moment = given.pop("next_run_time")
        job = replace(job, next_run_time=convert_to_datetime(moment, zone, "next_run_time"))
    elif schedules:
        job = replace(job, next_run_time=first_run_time(job.trigger))
    for option, value in given.items():
        check = _CHECKS.get(option)
        if check is None:
            known = ", ".join(sorted({*_CHECKS, "func", "args", "kwargs", "trigger"}))
            raise JobOptionError(job.id, option, "is unknown", f"Choose among {known}")
        if (expected := check(value)) is not None:
            raise JobOptionError(job.id, option, f"is {value!r}", f"Give {expected}")
    return replace(job, **given)


def first_run_time(trigger: BaseTrigger) -> datetime | None:
    """Return when a trigger fires next, counted from now."""
    found: datetime | None = trigger.get_next_fire_time(None, datetime.now(UTC))
    return found


def digest(func: Callable[..., Any] | str, options: Mapping[str, Any]) -> str:
    """Return a digest of a declaration, the same in each process that loads the same code."""
    trigger = options.get("trigger")
    if isinstance(trigger, BaseTrigger):
        spec = spec_of(trigger)
        spec.pop("start_date", None)  # that of an interval is the time of the import
        trigger = spec
    reference = func if isinstance(func, str) else f"{func.__module__}:{func.__qualname__}"
    content = json.dumps([reference, {**options, "trigger": trigger}], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _take_trigger(id: str, given: dict[str, Any], zone: tzinfo) -> BaseTrigger:
    """Take a trigger and its options out of ``given``."""
    kind = given.pop("trigger")
    if isinstance(kind, Mapping):
        given.update(kind)
        kind = given.pop("type", "date")
    options = {name: given.pop(name) for name in list(given) if name in ALL_OPTIONS}
    try:
        if isinstance(kind, BaseTrigger):
            return trigger_of(spec_of(kind))
        if kind not in OPTIONS:
            raise JobOptionError(id, "trigger", f"is {kind!r}", _ANY_TRIGGER)
        if strange := set(options) - set(OPTIONS[kind]):
            raise JobOptionError(
                id, min(strange), f"is no option of '{kind}'", f"Choose among {OPTIONS[kind]}"
            )
        return make_trigger(kind, options, zone)
    except JobOptionError:
        raise
    except (TypeError, ValueError, LookupError) as error:
        shown = f"cannot work ({type(error).__name__}: {error})"
        raise JobOptionError(id, "trigger", shown, _ANY_TRIGGER) from error


def _with_function(job: Job, given: dict[str, Any]) -> Job:
    args, kwargs = given.pop("args", job.args), given.pop("kwargs", job.kwargs)
    func = given.pop("func", job.function or job.func_ref)
    if isinstance(args, str) or not isinstance(args, list | tuple):
        raise JobOptionError(job.id, "args", f"is {args!r}", "Give a list")
    if not isinstance(kwargs, Mapping):
        raise JobOptionError(job.id, "kwargs", f"is {kwargs!r}", "Give a dictionary")
    try:
        function = ref_to_obj(func) if isinstance(func, str) else func
        if not callable(function):
            raise TypeError(f"{function!r} is no function")
        check_callable_args(function, args, kwargs)
    except (LookupError, TypeError, ValueError) as error:
        raise JobOptionError(
            job.id,
            "func",
            f"cannot be called ({error})",
            "Give a function, or 'package.module:name', that takes the arguments",
        ) from error
    reference = func if isinstance(func, str) else _reference(func)
    return replace(
        job, func_ref=reference, function=function, args=tuple(args), kwargs=dict(kwargs)
    )


def _reference(func: Callable[..., Any]) -> str | None:
    try:
        found: str = obj_to_ref(func)
    except (TypeError, ValueError):
        return None
    return found


def _whole(minimum: int, unit: str, *, optional: bool = False) -> Callable[[Any], str | None]:
    expected = f"a whole number of {unit} from {minimum} on" + (", or None" if optional else "")

    def check(value: Any) -> str | None:
        if value is None and optional:
            return None
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return None if is_whole and value >= minimum else expected

    return check


def _is(kind: type, expected: str) -> Callable[[Any], str | None]:
    return lambda value: None if isinstance(value, kind) and value != "" else expected


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "name": _is(str, "text"),
    "executor": _is(str, "the alias of an executor"),
    "coalesce": _is(bool, "True or False"),
    "max_instances": _whole(1, "runs"),
    "misfire_grace_time": _whole(1, "seconds", optional=True),
    "retries": _whole(0, "retries"),
    "retry_delay": _whole(1, "seconds"),
}
