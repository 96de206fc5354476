"""The JSON endpoints, as a client of Flask-APScheduler knows them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart, url_for
from quart.typing import TestClientProtocol as Client

from quarterdeck.apscheduler import (
    STATE_PAUSED,
    STATE_RUNNING,
    STATE_STOPPED,
    APScheduler,
    HTTPBasicAuth,
)
from quarterdeck.exceptions import ConfigurationError

from .conftest import MakeApp

pytestmark = pytest.mark.feature("SC4")

NOTE = "tests.kit.apscheduler.functions:note"
FAIL = "tests.kit.apscheduler.functions:fail"
JOB = {"id": "job1", "func": NOTE, "trigger": "interval", "minutes": 10}


@pytest.fixture
def scheduler() -> APScheduler:
    return APScheduler()


@pytest.fixture(name="app")
def _app(make_app: MakeApp, scheduler: APScheduler, request: pytest.FixtureRequest) -> Quart:
    return make_app(
        "memory",
        scheduler,
        **{
            "SCHEDULER_API_ENABLED": True,
            "SCHEDULER_API_FUNCTIONS": [NOTE],
            "SCHEDULER_AUTH": False,
        }
        | getattr(request, "param", {}),
    )


@pytest.fixture
async def client(app: Quart) -> AsyncIterator[Client]:
    async with app.test_app(), app.app_context():
        yield app.test_client()


async def send(client: Client, line: str, **options: Any) -> tuple[int, Any]:
    """Send ``METHOD PATH`` and return the status and the JSON."""
    method, path = line.split()
    response = await client.open(f"/scheduler{path}", method=method, **options)
    return response.status_code, await response.get_json(force=True, silent=True)


async def test_the_scheduler_is_described(client: Client) -> None:
    response = await client.get("/scheduler")
    info = await response.get_json()
    assert info["current_host"]
    assert (info["allowed_hosts"], info["running"]) == (["*"], True)


async def test_the_scheduler_is_paused_resumed_stopped_and_started(
    client: Client, scheduler: APScheduler
) -> None:
    steps = [
        ("/pause", 204, STATE_PAUSED),
        ("/pause", 204, STATE_PAUSED),
        ("/resume", 204, STATE_RUNNING),
        ("/resume", 204, STATE_RUNNING),
        ("/start", 400, STATE_RUNNING),
        ("/shutdown", 204, STATE_STOPPED),
        ("/shutdown", 400, STATE_STOPPED),
        ("/start", 204, STATE_RUNNING),
    ]
    for path, status, state in steps:
        assert (await send(client, f"POST {path}"))[0] == status, path
        assert scheduler.state == state
    assert (await send(client, "POST /shutdown", json={"wait": False}))[0] == 204


async def test_jobs_come_change_and_go(client: Client) -> None:
    assert (await send(client, "POST /jobs", json=JOB))[0] == 200
    status, found = await send(client, "GET /jobs/job1")
    assert status == 200
    assert (found["id"], found["func"], found["trigger"]) == ("job1", NOTE, "interval")
    assert (found["seconds"], found["max_instances"]) == (600, 1)
    assert await send(client, "GET /jobs") == (200, [found])
    assert (await send(client, "POST /jobs", json=JOB))[0] == 409

    change = {"args": [1], "trigger": "cron", "minute": "*/1", "start_date": "2090-01-01"}
    status, changed = await send(client, "PATCH /jobs/job1", json=change)
    assert (status, changed["args"], changed["minute"]) == (200, [1], "*/1")
    assert changed["next_run_time"] == changed["start_date"]
    assert changed["next_run_time"].startswith("2090-01-01T00:00:00")

    status, paused = await send(client, "POST /jobs/job1/pause")
    assert (status, paused["next_run_time"]) == (200, None)
    status, resumed = await send(client, "POST /jobs/job1/resume")
    assert (status, resumed["next_run_time"]) == (200, changed["next_run_time"])
    assert (await send(client, "POST /jobs/job1/run"))[0] == 200

    assert (await send(client, "DELETE /jobs/job1"))[0] == 204
    assert (await send(client, "GET /jobs/job1"))[0] == 404


@pytest.mark.parametrize(
    "line",
    [
        "GET /jobs/job1",
        "PATCH /jobs/job1",
        "DELETE /jobs/job1",
        "POST /jobs/job1/pause",
        "POST /jobs/job1/resume",
        "POST /jobs/job1/run",
    ],
)
async def test_a_job_that_does_not_exist(client: Client, line: str) -> None:
    status, answer = await send(client, line, json={})
    assert (status, answer["error_message"][:6]) == (404, "'job1'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": None}, "'id' of job"),
        ({"trigger": "tide"}, "'trigger' of job"),
        ({"func": "os:system"}, "which clients may not choose"),
        ({"replace_existing": True}, None),
    ],
)
async def test_what_a_client_may_send(
    client: Client, change: dict[str, Any], words: str | None
) -> None:
    status, answer = await send(client, "POST /jobs", json=JOB | change)
    assert status == (422 if words else 200)
    if words:
        assert words in answer["error_message"]


@pytest.mark.parametrize("app", [{"SCHEDULER_API_FUNCTIONS": [FAIL]}], indirect=True)
async def test_an_error_without_a_status_is_logged_with_its_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    await send(client, "POST /jobs", json={**JOB, "func": FAIL})
    status, answer = await send(client, "POST /jobs/job1/run")
    assert (status, answer) == (500, {"error_message": "out of paper"})
    missing, _ = await send(client, "POST /jobs/job2/run")
    assert missing == 404
    logged = {r.getMessage(): bool(r.exc_info) for r in caplog.records if "/jobs/" in r.message}
    assert list(logged.values()) == [True, False]


async def test_replacing_a_job_takes_a_change_not_an_addition(client: Client) -> None:
    for expected in (200, 409):
        assert (await send(client, "POST /jobs", json=JOB | {"replace_existing": True}))[
            0
        ] == expected


@pytest.mark.parametrize(
    "app",
    [{"SCHEDULER_API_PREFIX": "/api", "SCHEDULER_ENDPOINT_PREFIX": "jobs."}],
    indirect=True,
)
async def test_paths_and_names_follow_the_configuration(client: Client, app: Quart) -> None:
    assert (await client.get("/api/jobs")).status_code == 200
    assert (await client.get("/scheduler/jobs")).status_code == 404
    async with app.test_request_context("/"):
        assert url_for("jobs.get_scheduler_info") == "/api"


BASIC = {"SCHEDULER_AUTH": HTTPBasicAuth()}


@pytest.mark.parametrize("app", [BASIC], indirect=True)
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("Basic " + base64.b64encode(b"test:test").decode(), 200),
        ("Basic " + base64.b64encode(b"guest:guest").decode(), 401),
        ("Basic 1231234", 401),
        ("Bearer abc", 401),
        (None, 401),
    ],
)
async def test_clients_sign_in(
    client: Client, scheduler: APScheduler, sent: str | None, status: int
) -> None:
    @scheduler.authenticate
    async def may(auth: dict[str, Any]) -> bool:
        return bool(auth["username"] == "test" and auth["password"] == "test")

    response = await client.get("/scheduler", headers={"Authorization": sent} if sent else {})
    assert response.status_code == status
    if status == 401:
        header = response.headers["WWW-Authenticate"]
        assert header == 'Basic realm="Authentication Required"'


@pytest.mark.parametrize("app", [BASIC], indirect=True)
async def test_without_a_function_nobody_signs_in(client: Client) -> None:
    response = await client.get("/scheduler", auth=("test", "test"))
    assert response.status_code == 401


def test_endpoints_without_a_sign_in_are_refused(make_app: MakeApp) -> None:
    with pytest.raises(ConfigurationError, match="opens the scheduler to all clients"):
        make_app(SCHEDULER_API_ENABLED=True)


def test_there_are_no_endpoints_unless_asked_for(make_app: MakeApp) -> None:
    rules = [rule.rule for rule in make_app().url_map.iter_rules()]
    assert not [rule for rule in rules if "scheduler" in rule]
