"""The alert of the page on alerts, on its whole way through the demo landscape: fired, told again, and resolved."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

import app
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.files.mappings.alerts import load_alert_mapping as read_mapping
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import open_sources
from settings import SettingsError, load_settings
from workers.events import loop

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()

ASK = """query ($since: DateTime!) {
    incidents(filter: { openedAt: { gte: $since } }) { totalCount nodes {
        title description state priority category resolutionCode team { key }
        configurationItems(role: AFFECTED) { nodes { name } }
        alerts { fingerprint status labels startsAt endsAt }
        activities { kind body } } }
    backlogs { name waiting dead } }"""


@pytest.fixture(scope="module")
def landscape(postgres: EmbeddedPostgres, demo: tuple[str, str]) -> tuple[str, str]:
    """The demo landscape, to be written to."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE demo_alerts TEMPLATE demo"))
    return postgres.url("demo_alerts"), demo[1]


@pytest.fixture
async def client(landscape: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application with its worker, on the loopback."""
    settings = load_settings({"DATABASE_URL": landscape[0], "REQUIREMENTS_URL": landscape[1], "REDIS_URL": "off"})
    sources = open_sources(*settings.require_stores())
    stop = asyncio.Event()
    working = asyncio.create_task(loop(sources, TablesQueue(sources.main, "events"), stop))
    transport = httpx.ASGITransport(app=app.create_app(settings, sources, on_loopback=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as opened:
        yield opened
    stop.set()
    await working
    await sources.close()


def shown() -> Any:
    """The body that the page gives to curl."""
    [body] = re.findall(r"curl -X POST \S+/alerts/alertmanager .* -d '(\{.*?\})'$", PAGE, re.MULTILINE | re.DOTALL)
    return json.loads(body)


async def answer(client: httpx.AsyncClient) -> Any:
    """What there is once the queue is empty."""
    while True:
        variables = {"since": "2026-03-10T00:00:00Z"}
        body = (await client.post("/graphql", json={"query": ASK, "variables": variables})).json()
        assert "errors" not in body
        [events] = body["data"]["backlogs"]
        assert events["dead"] == 0
        if events["waiting"] == 0:
            return body["data"]["incidents"]
        await asyncio.sleep(0.05)


async def test_the_alert_of_the_page_becomes_a_p1_incident_and_is_resolved(client: httpx.AsyncClient) -> None:
    fires = shown()
    for _ in range(2):
        reply = await client.post("/alerts/alertmanager", json=fires)
        assert (reply.status_code, reply.json()) == (202, {"accepted": 1, "refused": [], "truncated": 0})
        told = await answer(client)
        assert told["totalCount"] == 1
    [incident] = told["nodes"]
    assert incident == {
        "title": "Persistent Redis node 03 is down",
        "description": "It has not answered for a minute.",
        "state": "NEW",
        "priority": 1,
        "category": "alert",
        "resolutionCode": "",
        "team": {"key": "scalability"},
        "configurationItems": {"nodes": [{"name": "Persistent Redis node 03"}]},
        "alerts": [
            {
                "fingerprint": "1a30ba71cca2921f",
                "status": "FIRING",
                "labels": fires["alerts"][0]["labels"],
                "startsAt": "2026-03-02T09:00:00+00:00",
                "endsAt": None,
            }
        ],
        "activities": [
            {"kind": "Opened", "body": ""},
            {"kind": "Note", "body": "Opened by an alert: Persistent Redis node 03 is down"},
        ],
    }
    over = fires["alerts"][0] | {"status": "resolved", "endsAt": "2026-03-02T09:30:00Z"}
    await client.post("/alerts/alertmanager", json=fires | {"status": "resolved", "alerts": [over]})
    told = await answer(client)
    [incident] = told["nodes"]
    assert (told["totalCount"], incident["state"], incident["resolutionCode"]) == (1, "RESOLVED", "ALERT_RESOLVED")
    assert [(each["status"], each["endsAt"]) for each in incident["alerts"]] == [
        ("RESOLVED", "2026-03-02T09:30:00+00:00")
    ]
    assert [each["kind"] for each in incident["activities"]] == ["Opened", "Note", "Started", "Resolved"]


def test_a_mapping_that_cannot_be_used_stops_the_start(landscape: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("items: [{source: s, key: '{{a b}}'}]")
    settings = load_settings({
        "DATABASE_URL": landscape[0], "REQUIREMENTS_URL": landscape[1], "REDIS_URL": "off", "ALERTS_MAPPING": str(path),
    })  # fmt: skip
    with pytest.raises(SettingsError, match=r"^ALERTS_MAPPING is not usable: .*'\{\{a b\}\}' is no template"):
        app.create_app(settings, on_loopback=True)


def test_the_mapping_of_the_page_can_be_used(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(items:.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    mapping = read_mapping(path)
    assert ([each.source for each in mapping.items], len(mapping.severity.levels)) == (["cmdb", "servers"], 2)
