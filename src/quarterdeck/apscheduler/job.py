"""A job: a function, its arguments and its schedule, checked once and never changed in place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import ref_to_obj

from quarterdeck.exceptions import JobNotWritableError

from .triggers import spec_of, trigger_of


@dataclass(frozen=True, slots=True)
class Job:
    """A job, as it was read; change it with ``modify_job``.

    Attributes:
        id: Unique among all job stores.
        name: For people; the id if not given.
        func_ref: The function as ``package.module:name``; None if it has no such name.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        trigger: When it runs.
        executor: The alias of an entry of ``SCHEDULER_EXECUTORS``.
        coalesce: Whether one run replaces all that became due meanwhile.
        max_instances: How many of its runs may be under way at once, in all processes.
        misfire_grace_time: Seconds by which a run may be late; None is any. A run that would be
            later is recorded as missed.
        retries: How often a run that failed is tried again.
        retry_delay: Seconds before the first of these; doubled with each.
        next_run_time: When it is due, in the time zone of the trigger; None while it is paused.
        declaration: A digest of its declaration in code or configuration; None for a job that
            ``add_job`` made.
        version: Counted up by every change.
    """

    id: str
    name: str
    func_ref: str | None
    trigger: BaseTrigger
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    executor: str = "default"
    coalesce: bool = True
    max_instances: int = 1
    misfire_grace_time: int | None = 60
    retries: int = 0
    retry_delay: float = 10
    next_run_time: datetime | None = None
    declaration: str | None = None
    version: int = 0
    function: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    @property
    def func(self) -> Callable[..., Any]:
        """The function; it is imported if that has not happened.

        Raises:
            LookupError: If there is no such function any more.
        """
        if self.function is not None:
            return self.function
        found: Callable[..., Any] = ref_to_obj(self.func_ref)
        return found

    def trigger_spec(self) -> dict[str, Any]:
        """Return the trigger as JSON: its kind as ``type``, and its options."""
        return spec_of(self.trigger)

    def document(self) -> dict[str, Any]:
        """Return all but ``next_run_time`` and ``version``, which stores keep beside it, as JSON.

        Raises:
            JobNotWritableError: If the function has no name, or an argument is no JSON.
        """
        if self.func_ref is None or not _leads_to(self.func_ref, self.func):
            raise JobNotWritableError(
                self.id,
                f"{self.func!r} is not reached as 'module:name'",
                "Move the function to the top of a module",
            )
        for option, value in (("args", list(self.args)), ("kwargs", dict(self.kwargs))):
            _check_json(self.id, option, value)
        plain = ("id", "name", "executor", "coalesce", "max_instances", "misfire_grace_time")
        more = ("retries", "retry_delay", "declaration")
        return {
            "func": self.func_ref,
            "args": list(self.args),
            "kwargs": dict(self.kwargs),
            "trigger": spec_of(self.trigger),
            **{name: getattr(self, name) for name in (*plain, *more)},
        }

    @classmethod
    def of_document(
        cls, document: Mapping[str, Any], next_run_time: datetime | None, version: int
    ) -> Job:
        """Return the job that :meth:`document` has written."""
        values = dict(document)
        trigger = trigger_of(values.pop("trigger"))
        if next_run_time is not None:
            next_run_time = next_run_time.astimezone(getattr(trigger, "timezone", None) or UTC)
        return cls(
            func_ref=values.pop("func"),
            args=tuple(values.pop("args")),
            trigger=trigger,
            next_run_time=next_run_time,
            version=version,
            **values,
        )


def _leads_to(reference: str, function: object) -> bool:
    try:
        return bool(ref_to_obj(reference) == function)
    except LookupError:
        return False


def _check_json(job: str, option: str, value: Any) -> None:
    try:
        read = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise JobNotWritableError(
            job, f"'{option}' is no JSON ({error})", "Pass text, numbers, lists and dictionaries"
        ) from None
    if read != value:
        raise JobNotWritableError(
            job, f"'{option}' would come back as {read!r}", "Pass lists, and text as keys"
        )
