"""Metrics: in one process, and summed over workers that come and go."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from quarterdeck.app import Quart
from quarterdeck.exceptions import ConfigurationError
from quarterdeck.metrics import Measurement, Metrics

from .supervised import Supervised, gone, supervised

pytestmark = pytest.mark.feature("AP6")

Figures = dict[tuple[str, ...], float]


def parsed(text: str) -> Figures:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Room:
    """A state with figures, as a room has one."""

    served = 2.0

    def measurements(self) -> Iterator[Measurement]:
        yield Measurement("ships", "Ships in the harbour.", 3, {"kind": "brig"})
        yield Measurement("served_meals", "Meals.", self.served, is_counter=True)


def make_app(**config: Any) -> tuple[Quart, Metrics]:
    app = Quart("tests")
    app.config.update(config)
    metrics = Metrics(app)
    app.extensions["room"] = Room()
    app.add_url_rule("/metrics", "metrics", metrics.response)

    @app.websocket("/ws")
    async def ws() -> None:
        from quart import websocket

        await websocket.send("hello")

    return app, metrics


@pytest.fixture
def made() -> tuple[Quart, Metrics]:
    return make_app(METRICS_INTERVAL=0.01)


async def ask(app: Quart) -> Figures:
    return parsed(await (await app.test_client().get("/metrics")).get_data(as_text=True))


async def test_requests_websockets_rooms_and_the_loop(made: tuple[Quart, Metrics]) -> None:
    app, metrics = made
    async with app.app_context():
        own = Counter("own", "Of the app.", registry=metrics.registry)
    own.inc()
    async with app.test_app():
        await app.test_client().get("/none")
        async with app.test_client().websocket("/ws") as connection:
            await connection.receive()
        while not (found := await ask(app))["quart_event_loop_lag_seconds_count",]:
            pass
        Room.served += 5
        found = await ask(app)

    assert found["quart_requests_total", "none", "404"] == 1
    assert found["quart_requests_total", "ws", "101"] == 1
    assert ("quart_request_seconds_count", "ws") not in found
    assert found["quart_ships", "brig"] == 3
    assert found["quart_served_meals_total",] == 7
    assert found["own_total",] == 1
    assert ("quart_workers",) not in found


def test_a_namespace_that_prometheus_cannot_read_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="METRICS_NAMESPACE"):
        make_app(METRICS_NAMESPACE="my app")


APP = """
import os
from quart import Quart, request
from quarterdeck.metrics import Measurement, Metrics

app = Quart(__name__)
metrics = Metrics(app)
app.config["METRICS_INTERVAL"] = 0.05


class Room:
    def measurements(self):
        yield Measurement("processes", "One for each worker.", 1)
        yield Measurement("boats", "The same in each worker.", 5, is_shared=True)


app.extensions["room"] = Room()


@app.get("/")
async def index():
    return f"{os.getpid()} one"


@app.get("/metrics")
async def show():
    return await metrics.response()
"""
COUNT = ("quart_requests_total", "index", "200")


async def figures(server: Supervised) -> Figures:
    return parsed(await server.get("/metrics"))


@pytest.mark.timeout(180)
async def test_counters_of_three_workers_never_go_down(tmp_path: Path) -> None:
    """Whichever worker answers, and though one is killed and all are replaced after that."""
    (tmp_path / "app.py").write_text(APP)
    folder = tmp_path / "shared"
    folder.mkdir()
    async with supervised(tmp_path, workers=3, TMPDIR=str(folder)) as server:
        pids = await server.workers(3)
        before = (await figures(server))[COUNT]
        for _ in range(30):
            await server.get()
        counts = [(await figures(server))[COUNT] for _ in range(10)]
        assert counts == [before + 30] * 10

        victim = pids.pop()
        os.kill(victim, signal.SIGKILL)
        await server.said("is gone: another one takes its place")
        await gone({victim})
        found = await figures(server)
        assert found[COUNT] == before + 30, "of the dead worker too"
        assert found["quart_workers",] == 3
        assert found["quart_workers_replaced_total", "died"] == 1
        while len(pids) < 3:
            pids |= await server.workers(3)

        for number in range(2):
            count = (await figures(server))[COUNT]
            server.signal(signal.SIGHUP)
            await gone(pids)
            pids = await server.workers(3)
            found = await figures(server)
            assert found[COUNT] > count
            assert found["quart_workers_replaced_total", "reloaded"] == 3 * (number + 1)
        while (found := await figures(server))["quart_processes",] != 3:  # not those that ended
            pass
        assert found["quart_boats",] == 5
        (shared,) = folder.iterdir()
        seats = {path.stem.rpartition("_")[2] for path in shared.glob("*.db")}
        assert len(seats) <= 6, "eleven processes took part"
    assert not list(folder.iterdir())
