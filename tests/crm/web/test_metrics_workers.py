"""``/metrics`` of ``crm serve --workers 2``: counters outlive a worker that is killed."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.demonstration import Demonstrations
from tests.servers import free_port, redis_server, running
from tests.serving import Site

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.feature("AP6"),
    pytest.mark.external_service("redis"),
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc"),
    pytest.mark.timeout(180),
]

SECONDS = 60.0
COUNT = ("crm_requests_total", "health.live", "200")
WAITING = ("crm_mail_outbox_waiting",)


@pytest.fixture
def site(tmp_path: Path, demonstrations: Demonstrations) -> Iterator[Site]:
    demonstrations.copy(tmp_path)
    with running(redis_server(tmp_path)) as redis:
        site = Site(
            tmp_path,
            CRM_WORKERS="2",
            REDIS_URL=f"redis://127.0.0.1:{redis.port}/0",
            CRM_PUBLIC_URL="https://crm.example.com",
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=str(free_port()),  # nothing listens: mail waits
            MAIL_DEFAULT_SENDER="crm@example.com",
            CRM_METRICS_INTERVAL="0.05",
        )
        site.start()
        yield site
        assert site.stop() == 0


def client_of(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.url, timeout=SECONDS, trust_env=False)


def figures(client: httpx.Client) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def wait_for(client: httpx.Client, key: tuple[str, ...], value: float) -> None:
    end = time.monotonic() + SECONDS
    while (found := figures(client)).get(key) != value:
        assert time.monotonic() < end, found.get(key)
        time.sleep(0.05)


def both_workers(site: Site) -> list[int]:
    end = time.monotonic() + SECONDS
    while len(workers := site.workers) < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    return workers


def ask_for_reset(client: httpx.Client) -> None:
    page = client.get("/auth/reset").text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    form = {"email": "admin@quarterdeck.example", "csrf_token": found[1]}
    headers = {"Referer": str(client.base_url)}
    assert client.post("/auth/reset", data=form, headers=headers).status_code == 303


def test_a_killed_worker_takes_no_counter_with_it(site: Site) -> None:
    with client_of(site) as client:
        for _ in range(20):
            assert client.get("/health/live").status_code == 200
        assert figures(client)[COUNT] == 20
        ask_for_reset(client)
        wait_for(client, WAITING, 1)

    victim, other = both_workers(site)
    os.kill(victim, signal.SIGKILL)
    end = time.monotonic() + SECONDS
    while victim in (workers := site.workers) or len(workers) < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert other in workers
    with client_of(site) as client:
        assert figures(client)[COUNT] == 20, "of the dead worker too"
        wait_for(client, ("crm_workers_replaced_total", "died"), 1)
        for _ in range(10):
            client.get("/health/live")
        assert figures(client)[COUNT] == 30
        wait_for(client, WAITING, 1)
