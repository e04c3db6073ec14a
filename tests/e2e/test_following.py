"""What is written through the server reaches graph and caches beside it, unless the settings leave that to others."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

import app
import settings
from commands.exit_codes import Exit
from commands.serve import serve
from datasources.embedded.postgres import EmbeddedPostgres
from tests.e2e.test_run import environment, serving
from tests.fixtures.databases import create_database
from tests.fixtures.following import outbox

CREATE = """mutation { createConfigurationItem(input: { name: "shop", classKey: "service" }) {
  configurationItem { id } userErrors { message }
} }"""
REQUIRE = """mutation { createRequirement(input: { key: "followed", title: "Up" }) {
  requirement { id } userErrors { message }
} }"""


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "following")
    with psycopg.connect(made) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
    return made


def stores(folder: Path, url: str, postgres: EmbeddedPostgres, **more: str) -> dict[str, str]:
    requirements = postgres.url("requirements")
    return environment(folder, DATABASE_URL=url, REQUIREMENTS_URL=requirements, REDIS_URL="off", **more)


def asked(address: str, document: str) -> Any:
    body = httpx.post(f"{address}/graphql", json={"query": document}).json()
    assert "errors" not in body
    return body["data"]


def test_what_is_written_is_followed_and_the_server_ends_in_order(
    open_folder: Path, url: str, postgres: EmbeddedPostgres
) -> None:
    with serving(stores(open_folder, url, postgres)) as (process, address):
        made = asked(address, CREATE)["createConfigurationItem"]
        assert made["userErrors"] == []
        required = asked(address, REQUIRE)["createRequirement"]
        assert required["userErrors"] == []
        end = time.monotonic() + 60
        while asked(address, "{ consistency { pending } }") != {"consistency": {"pending": 0}}:
            assert time.monotonic() < end
        with psycopg.connect(postgres.url("requirements"), autocommit=True) as connection:
            done = "SELECT projected FROM outbox WHERE entity_id = %s"
            while connection.execute(done, (required["requirement"]["id"][4:],)).fetchall() != [(True,)]:
                assert time.monotonic() < end
                time.sleep(0.05)
            connection.execute("DELETE FROM requirements WHERE key = 'followed'")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == Exit.OK
    assert outbox(url) == [(True, 0, "")]


class Asked(Exception):
    """How the application was asked for; it is not needed."""


@pytest.mark.parametrize(
    ("said", "projecting"), [({}, True), ({"PROJECTION": "on"}, True), ({"PROJECTION": "off"}, False)]
)
def test_the_settings_say_whether(
    open_folder: Path, url: str, postgres: EmbeddedPostgres, said: dict[str, str], projecting: bool
) -> None:
    def create(*_: object, **given: object) -> None:
        raise Asked(given["run_workers"])

    with pytest.raises(Asked) as asked_for:
        serve(settings.load_settings(stores(open_folder, url, postgres, **said)), create)
    assert asked_for.value.args == (projecting,)


async def test_the_application_alone_follows_nothing(open_folder: Path, url: str, postgres: EmbeddedPostgres) -> None:
    """As under Lambda, where a function of its own does."""
    chosen = settings.load_settings(stores(open_folder, url, postgres))
    found = []
    for projecting in (False, True):
        application = app.create_app(chosen, run_workers=projecting)
        async with application.router.lifespan_context(application):
            found.append([task.get_name() for task in asyncio.all_tasks()].count("projection"))
    assert found == [0, 1]
    assert [task for task in asyncio.all_tasks() if task.get_name() == "projection"] == []
