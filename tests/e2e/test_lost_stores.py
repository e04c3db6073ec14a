"""A store is lost in turn under the whole service: what needs it is null and says so, everything else stands."""

import asyncio
import copy
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

import settings
from app import create_app
from datasources.embedded.valkey import EmbeddedValkey
from schema.operations import trusted_documents
from tests.fixtures.gate import Gate

TIMEOUT = 2.0
OVERVIEW = next(each for each in trusted_documents().values() if each.name == "incident-overview")


@dataclass
class Service:
    """The application, with a gate before each of its databases."""

    client: httpx.AsyncClient
    main: Gate
    requirements: Gate

    async def ask(self, query: str = OVERVIEW.text, **variables: Any) -> dict[str, Any]:
        """The response to a document, the overview of the demo's greatest incident if none is given."""
        given = variables or ({"number": "INC0001001"} if query == OVERVIEW.text else {})
        reply = await self.client.post("/graphql", json={"query": query, "variables": given})
        assert reply.status_code == 200
        for secret in ("127.0.0.1", "Traceback", "psycopg", str(self.main.port), str(self.requirements.port)):
            assert secret not in reply.text
        body: dict[str, Any] = reply.json()
        return body

    async def recovered(self, healthy: dict[str, Any]) -> None:
        """Right again without a restart, once the pool has noticed: its pause between attempts is a few seconds."""
        for _ in range(200):
            body = await self.ask()
            if body["data"] == healthy["data"]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(body)


@asynccontextmanager
async def serving(demo: tuple[str, str], cache: str = "off") -> AsyncIterator[Service]:
    main, requirements = Gate(demo[0]), Gate(demo[1])
    await main.open()
    await requirements.open()
    app = create_app(
        settings.load_settings(
            {
                "DATABASE_URL": main.url,
                "REQUIREMENTS_URL": requirements.url,
                "REDIS_URL": cache,
                "REQUEST_TIMEOUT_SECONDS": str(TIMEOUT),
            }
        ),
        on_loopback=True,
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client,
    ):
        yield Service(client, main, requirements)
    await main.shut()
    await requirements.shut()


@pytest.fixture
async def service(demo: tuple[str, str]) -> AsyncIterator[Service]:
    async with serving(demo) as opened:
        yield opened


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


def dependents(data: Any) -> Iterator[dict[str, Any]]:
    """The items of the overview's third level."""
    for item in data["incident"]["configurationItems"]["nodes"]:
        for edge in item["dependents"]["edges"]:
            yield edge["node"]


def without_requirements(body: dict[str, Any], healthy: dict[str, Any], *, late: bool) -> None:
    """Only requirements are null, each with its error; all else is as it was."""
    errors = body["errors"]
    problem = "did not answer in time" if late else "is not available"
    assert {error["message"] for error in errors} == {f"requirements {problem}"}
    told = {"code": "SOURCE_UNAVAILABLE", "store": "requirements", "timeout": late}
    assert [error["extensions"] for error in errors] == [told] * len(errors)
    assert {tuple(error["path"][-2:]) for error in errors} == {("requirements", "nodes")}
    expected = [node | {"requirements": None} for node in dependents(healthy["data"])]
    assert len(errors) == len(expected) > 10
    assert list(dependents(body["data"])) == expected
    rest = [copy.deepcopy(each["data"]) for each in (body, healthy)]
    for node in [*dependents(rest[0]), *dependents(rest[1])]:
        del node["requirements"]
    assert rest[0] == rest[1]


async def test_a_dead_requirements_database_nulls_requirements_only(service: Service) -> None:
    healthy = await service.ask()
    assert "errors" not in healthy
    await service.requirements.shut()
    without_requirements(await service.ask(), healthy, late=True)
    # Known to be lost by now, it costs no request the whole deadline any more.
    without_requirements(await service.ask(), healthy, late=False)
    await service.requirements.open()
    await service.recovered(healthy)


@pytest.mark.parametrize("connected", [False, True], ids=["from the start", "in the middle"])
async def test_a_silent_requirements_database_costs_the_deadline_once(service: Service, connected: bool) -> None:
    healthy = await service.ask()
    if not connected:
        await service.requirements.shut()
        await service.requirements.open()
    service.requirements.silence()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    body = await service.ask()
    # Not a timed test: the bound is what is promised, the deadline of a request and a second.
    assert loop.time() - begin < TIMEOUT + 1
    without_requirements(body, healthy, late=True)
    await service.requirements.shut()
    await service.requirements.open()
    await service.recovered(healthy)


async def test_a_silent_store_does_not_hold_up_the_levels_below_others(service: Service) -> None:
    deep = """{
      requirements { nodes { key } }
      incident(number: "INC0001001") { team { members { user { name teams: memberships { team { key } } } } } }
    }"""
    healthy = await service.ask(deep)
    assert "errors" not in healthy
    service.requirements.silence()
    body = await service.ask(deep)
    assert [error["extensions"]["store"] for error in body["errors"]] == ["requirements"]
    assert body["data"] == healthy["data"] | {"requirements": None}


async def test_a_lost_main_database_nulls_what_it_holds(service: Service) -> None:
    both = """{
      incident(number: "INC0001001") { title }
      requirements(first: 1) { nodes { key } }
      search(text: "redis") { missing results { kind } }
    }"""
    healthy = await service.ask()
    whole = (await service.ask(both))["data"]
    assert whole["search"]["missing"] == []
    await service.main.shut()
    told = {"code": "SOURCE_UNAVAILABLE", "store": "main"}
    body = await service.ask()
    assert body["data"] == {"incident": None}
    assert [error["extensions"] for error in body["errors"]] == [told | {"timeout": True}]
    ready = await service.client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    body = await service.ask(both)
    found = [{"kind": "REQUIREMENT"}]
    assert body["data"] == whole | {"incident": None, "search": {"missing": ["main"], "results": found}}
    assert [error["extensions"] for error in body["errors"]] == [told | {"timeout": False}]
    await service.main.open()
    await service.recovered(healthy)
    assert (await service.client.get("/health/ready")).status_code == 200


async def test_a_main_database_that_falls_silent_is_late_and_nothing_else(service: Service) -> None:
    healthy = await service.ask()
    service.main.silence()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    body = await service.ask()
    assert loop.time() - begin < TIMEOUT + 1
    assert body["data"] == {"incident": None}
    assert [error["extensions"] for error in body["errors"]] == [
        {"code": "SOURCE_UNAVAILABLE", "store": "main", "timeout": True}
    ]
    # Its own deadline is three seconds: a failure here rather than a test without end.
    async with asyncio.timeout(10):
        ready = await service.client.get("/health/ready")
    assert (ready.status_code, [each["reachable"] for each in ready.json()["stores"]]) == (
        503,
        [False, True, False, True],
    )
    await service.main.shut()
    await service.main.open()
    await service.recovered(healthy)


async def test_a_restarted_database_is_not_noticed(service: Service) -> None:
    """Its idle connections are dead: each is found so before a statement is sent on it."""
    healthy = await service.ask()
    assert service.main.seen > 1
    for gate in (service.main, service.requirements):
        await gate.shut()
        await gate.open()
    again = await service.ask()
    assert "errors" not in again
    assert again["data"] == healthy["data"]


async def test_a_killed_cache_costs_speed_only(demo: tuple[str, str], valkey: EmbeddedValkey) -> None:
    async with serving(demo, cache=valkey.url) as service:
        cold, warm = await service.ask(), await service.ask()
        assert warm["data"] == cold["data"]
        assert cold["extensions"]["stores"]["cache"] > warm["extensions"]["stores"]["cache"] > 3
        assert warm["extensions"]["stores"]["sql"] == 0
        assert valkey.pid is not None
        port = valkey.port
        os.kill(valkey.pid, signal.SIGKILL)
        valkey.stop()
        lost = [await service.ask() for _ in range(3)]
        assert [body["data"] for body in lost] == [cold["data"]] * 3
        assert all("errors" not in body for body in lost)
        # The breaker opens after three failures in a row, and then nothing is asked of the cache for a while.
        assert [body["extensions"]["stores"]["cache"] for body in lost[1:]] == [0, 0]
        assert lost[0]["extensions"]["stores"]["cache"] <= 4
        assert [body["extensions"]["stores"]["sql"] for body in lost] == [OVERVIEW.budget.sql] * 3
        assert (await service.client.get("/health/ready")).status_code == 200
        valkey.start(port)
        for _ in range(100):
            statements = (await service.ask())["extensions"]["stores"]["sql"]
            if statements == 0:
                break
            await asyncio.sleep(0.2)
        assert statements == 0
        assert (await service.ask())["data"] == cold["data"]


async def test_a_late_statement_leaves_its_connection_whole(service: Service) -> None:
    """The server cancels it, so the pool keeps the connection instead of opening another."""
    healthy = await service.ask()
    seen = service.requirements.seen
    async with await psycopg.AsyncConnection.connect(service.requirements.url) as holder:
        await holder.execute("LOCK requirements IN ACCESS EXCLUSIVE MODE")
        without_requirements(await service.ask(), healthy, late=True)
        await holder.rollback()
    assert (await service.ask())["data"] == healthy["data"]
    # The holder's connection, and the one that carried the request to cancel.
    assert service.requirements.seen == seen + 2
