"""An event on its whole way: over HTTP into the application, by the worker into the tables, and out by GraphQL."""

import asyncio
import json

import httpx

import app
from datasources.queues.factory import open_queues
from datasources.sources import open_sources
from settings import load_settings
from tests.fixtures.event_stores import url
from tests.fixtures.events import upserted
from workers.events import loop

__all__ = ["url"]

ASK = "{ configurationItems(first: 2) { nodes { name status } } }"


async def test_an_event_becomes_an_item_that_can_be_asked_for(url: str) -> None:
    settings = load_settings({"DATABASE_URL": url, "REQUIREMENTS_URL": url, "REDIS_URL": "off"})
    sources = open_sources(*settings.require_stores())
    queue = open_queues(sources.main).events
    stop = asyncio.Event()
    working = asyncio.create_task(loop(sources, queue, stop))
    transport = httpx.ASGITransport(app=app.create_app(settings, sources, on_loopback=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        reply = await client.post(
            "/events",
            content=json.dumps(upserted("1", "shop", status="MAINTENANCE")),
            headers={"content-type": "application/cloudevents+json"},
        )
        assert (reply.status_code, reply.json()) == (202, {"accepted": 1, "refused": []})
        while (await queue.depth()).waiting:
            await asyncio.sleep(0.05)
        answer = (await client.post("/graphql", json={"query": ASK})).json()
    assert answer["data"] == {"configurationItems": {"nodes": [{"name": "shop", "status": "MAINTENANCE"}]}}
    stop.set()
    await working
    await sources.close()
