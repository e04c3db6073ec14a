"""What /health says of stores and background workers, and which of it takes a server out of rotation."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from datasources.errors import SourceUnavailable
from datasources.observability.heartbeats import Heartbeat
from datasources.sources import Sources
from schema.http.health import MAX_FAILING_SECONDS, health_routes
from tests.fixtures.emf import measured, values
from tests.fixtures.event_stores import sources, url

__all__ = ["sources", "url"]


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    initialize = Heartbeat.__init__
    monkeypatch.setattr(Heartbeat, "__init__", lambda self, name, bound: initialize(self, name, bound, clock))
    return clock


async def asked(sources: Sources, path: str) -> tuple[int, Any]:
    transport = httpx.ASGITransport(Starlette(routes=health_routes(sources)))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def test_a_worker_that_fails_for_longer_than_a_moment_is_not_ready(
    sources: Sources, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    events = sources.heartbeats.add("events", 60)
    workflows = sources.heartbeats.add("workflows", 60)
    status, body = await asked(sources, "/health/ready")
    assert (status, body["status"]) == (200, "ready")
    assert body["workers"] == [{"name": "events", "state": "RUNNING"}, {"name": "workflows", "state": "RUNNING"}]
    events.fail(ValueError("a value of a row"), 1.0)
    clock.now = MAX_FAILING_SECONDS
    assert (await asked(sources, "/health/ready"))[0] == 200
    clock.now += 0.5
    caplog.clear()
    caplog.set_level("INFO", "stackflow.metrics")
    status, body = await asked(sources, "/health/ready")
    assert (status, body["status"]) == (503, "not ready")
    assert body["workers"][0] == {
        "name": "events", "state": "FAILING", "reason": "ValueError", "failures": 1, "seconds": 30.5,
    }  # fmt: skip
    [line] = measured(caplog.records)
    assert values(line, "StoreDown", "WorkersDown") == (0, 1)
    # Whoever sends requests asks for the stores alone.
    status, body = await asked(sources, "/health/stores")
    assert (status, body["status"], "workers" in body) == (200, "ready", False)
    events.succeed()
    workflows.begin()
    assert (await asked(sources, "/health/ready"))[0] == 200
    clock.now += 61
    status, body = await asked(sources, "/health/ready")
    assert (status, body["workers"][1]["state"]) == (503, "STUCK")


async def test_a_worker_that_waits_for_a_store_is_well(sources: Sources, clock: Clock) -> None:
    sources.heartbeats.add("projection", 60).fail(SourceUnavailable("graph", "graph cannot be reached"), 1.0)
    clock.now = 10_000
    status, body = await asked(sources, "/health/ready")
    assert (status, body["workers"][0]["state"], body["workers"][0]["reason"]) == (
        200, "WAITING", "graph cannot be reached",
    )  # fmt: skip
