"""The JSON endpoints of Flask-APScheduler."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from quart import Response, current_app, request

from quarterdeck.exceptions import (
    JobBusyError,
    JobConflictError,
    JobNotFoundError,
    JobNotWritableError,
    JobOptionError,
    SchedulerStateError,
)

from .auth import HTTPAuth
from .config import STATE
from .job import Job
from .triggers import spec_of

if TYPE_CHECKING:
    from quart import Quart

    from .extension import APScheduler

View = Callable[..., Awaitable[Response]]
STATUS = (
    (JobNotFoundError, 404),
    (JobConflictError, 409),
    (JobBusyError, 409),
    (SchedulerStateError, 400),
    (JobOptionError, 422),
    (JobNotWritableError, 422),
)


def job_to_dict(job: Job) -> dict[str, Any]:
    """Return a job as the endpoints answer it: plain values, times in ISO 8601."""
    spec = spec_of(job.trigger)
    due = job.next_run_time
    return {
        "id": job.id,
        "name": job.name,
        "func": job.func_ref,
        "args": list(job.args),
        "kwargs": dict(job.kwargs),
        "trigger": spec.pop("type"),
        **spec,
        "misfire_grace_time": job.misfire_grace_time,
        "max_instances": job.max_instances,
        "next_run_time": None if due is None else due.isoformat(),
    }


class Endpoints:
    """The views of one app.

    Args:
        scheduler: The extension.
        auth: How clients sign in; False lets all of them in.
        functions: References that clients may choose for a job, besides the declared ones.
    """

    def __init__(
        self, scheduler: APScheduler, auth: HTTPAuth | bool, functions: frozenset[str]
    ) -> None:
        self._scheduler = scheduler
        self._auth = auth
        self._functions = functions

    def register(self, app: Quart, path: str, endpoint: str) -> None:
        """Add the routes.

        Args:
            app: The app.
            path: How their paths begin.
            endpoint: How their names begin.
        """
        for name, rule, method in ROUTES:
            view = self._guarded(getattr(self, name))
            app.add_url_rule(path + rule, endpoint + name, view, methods=[method])

    async def get_scheduler_info(self) -> Response:
        scheduler = STATE.get()
        hosts = scheduler.settings.allowed_hosts
        info = {"current_host": scheduler.host, "allowed_hosts": list(hosts)}
        return _json({**info, "running": scheduler.running})

    async def pause_scheduler(self) -> Response:
        await self._scheduler.pause()
        return Response(status=204)

    async def resume_scheduler(self) -> Response:
        await self._scheduler.resume()
        return Response(status=204)

    async def start_scheduler(self) -> Response:
        await self._scheduler.start()
        return Response(status=204)

    async def shutdown_scheduler(self) -> Response:
        data = await request.get_json(force=True, silent=True) or {}
        await self._scheduler.shutdown(wait=data.get("wait") is not False)
        return Response(status=204)

    async def add_job(self) -> Response:
        data = await _data()
        self._check_function(data)
        return _json(job_to_dict(await self._scheduler.add_job(**_keywords(data, "id", "func"))))

    async def delete_job(self, job_id: str) -> Response:
        await self._scheduler.remove_job(job_id)
        return Response(status=204)

    async def get_job(self, job_id: str) -> Response:
        return await self._answer(job_id)

    async def get_jobs(self) -> Response:
        return _json([job_to_dict(job) for job in await self._scheduler.get_jobs()])

    async def update_job(self, job_id: str) -> Response:
        data = await _data()
        self._check_function(data)
        await self._scheduler.modify_job(job_id, **_keywords(data))
        return await self._answer(job_id)

    async def pause_job(self, job_id: str) -> Response:
        await self._scheduler.pause_job(job_id)
        return await self._answer(job_id)

    async def resume_job(self, job_id: str) -> Response:
        await self._scheduler.resume_job(job_id)
        return await self._answer(job_id)

    async def run_job(self, job_id: str) -> Response:
        await self._scheduler.run_job(job_id)
        return await self._answer(job_id)

    async def _answer(self, job_id: str) -> Response:
        job = await self._scheduler.get_job(job_id)
        if job is None:
            raise JobNotFoundError(job_id)
        return _json(job_to_dict(job))

    def _check_function(self, data: Mapping[str, Any]) -> None:
        """Refuse functions that the app does not offer: a client could choose any of Python's."""
        known = self._functions | STATE.get().registry.functions()
        if "func" in data and data["func"] not in known:
            raise JobOptionError(
                str(data.get("id")),
                "func",
                f"is {data['func']!r}, which clients may not choose",
                "Add it to SCHEDULER_API_FUNCTIONS",
            )

    def _guarded(self, view: View) -> View:
        @wraps(view)
        async def guarded(**values: Any) -> Response:
            if self._auth and not await self._signed_in():
                return self._refusal()
            try:
                return await view(**values)
            except Exception as error:
                status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
                current_app.logger.warning("%s: %s", request.path, error, exc_info=status == 500)
                return _json({"error_message": str(error)}, status)

        return guarded

    async def _signed_in(self) -> bool:
        assert not isinstance(self._auth, bool)  # noqa: S101 - for type checkers
        sent, check = self._auth.get_authorization(), self._scheduler.authentication
        if sent is None or check is None:
            return False
        return bool(await current_app.ensure_async(check)(sent))

    def _refusal(self) -> Response:
        assert not isinstance(self._auth, bool)  # noqa: S101 - for type checkers
        response = Response("Access Denied", status=401)
        if header := self._auth.get_authenticate_header():
            response.headers["WWW-Authenticate"] = header
        return response


ROUTES = (
    ("get_scheduler_info", "", "GET"),
    ("pause_scheduler", "/pause", "POST"),
    ("resume_scheduler", "/resume", "POST"),
    ("start_scheduler", "/start", "POST"),
    ("shutdown_scheduler", "/shutdown", "POST"),
    ("add_job", "/jobs", "POST"),
    ("get_job", "/jobs/<job_id>", "GET"),
    ("get_jobs", "/jobs", "GET"),
    ("delete_job", "/jobs/<job_id>", "DELETE"),
    ("update_job", "/jobs/<job_id>", "PATCH"),
    ("pause_job", "/jobs/<job_id>/pause", "POST"),
    ("resume_job", "/jobs/<job_id>/resume", "POST"),
    ("run_job", "/jobs/<job_id>/run", "POST"),
)


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


async def _data() -> dict[str, Any]:
    data = await request.get_json(force=True)
    if not isinstance(data, dict):
        raise JobOptionError("?", "the body", "is no JSON object", "Send the options of a job")
    return data


def _keywords(data: dict[str, Any], *required: str) -> dict[str, Any]:
    if missing := [name for name in required if data.get(name) is None]:
        raise JobOptionError(str(data.get("id")), missing[0], "is missing", "Send it")
    if "replace_existing" in data or "jobstore" in data:
        data = {k: v for k, v in data.items() if k not in {"replace_existing", "jobstore"}}
    return data
