"""Subscriptions through a real server: once, in order, for who may see it, and going on where it was left."""

from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest

import app
from datasources.embedded.postgres import EmbeddedPostgres
from settings import read
from tests.fixtures.databases import create_database
from tests.fixtures.streaming import served, stream

CHANGES = """subscription ($cursor: String, $kinds: [FeedKind!], $of: [ID!]) {
  changes(cursor: $cursor, kinds: $kinds, of: $of) { kind step id requestId cursor node { id } }
}"""


def item(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "live")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
    return made


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = read({"DATABASE_URL": url, "REQUIREMENTS_URL": url, "REDIS_URL": "off"})
    application = app.create(settings, on_loopback=True)
    async with served(application) as address, httpx.AsyncClient(base_url=address, timeout=30) as opened:
        yield opened


def insert(url: str, *numbers: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for number in numbers:
            connection.execute(
                "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, 'a', 'service')", (item(number),)
            )


async def test_a_write_is_told_once_and_in_order(client: httpx.AsyncClient, url: str) -> None:
    async with stream(client, CHANGES) as events:
        await events.begun()
        insert(url, 1, 2, 3)
        told = [await events.change() for _ in range(3)]
        assert [each["id"] for each in told] == [f"ci_{item(n)}" for n in (1, 2, 3)]
        assert await events.is_silent()
