"""Generated requests of every kind against the whole application on real stores, with its workers running.

`make test-fuzz` sends 20,000; STACKFLOW_FUZZ_SEED chooses others. A failure names the seed and the number of the
request, by which it is generated again.
"""

import asyncio
import logging
import math
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from datasources.files.errors import MappingError
from demo.load import load_if_empty
from resolvers.imports.run import run_import
from tests.fixtures.databases import create_database
from tests.fixtures.events import upserted
from tests.fixtures.serving import serving
from tests.fuzz import messages
from tests.fuzz.landscape import Landscape
from tests.fuzz.operations import Generator
from tests.fuzz.values import encode

# Of a hundred requests: mutations, queries, events, notifications; the rest are imports.
SHARES = (("mutation", 40), ("query", 20), ("event", 29), ("alert", 10), ("import", 1))
# The share of hostile values among all.
SPICE = 0.04
# Requests under way at once, after which the landscape is read again.
AT_ONCE = 8
# Records of one import.
ROWS = 20
# Seconds in which the queue must get shorter when all is sent, however long it is.
STALL_SECONDS = 60

EVENT = {"content-type": "application/cloudevents+json"}
JSON = {"content-type": "application/json"}
CANARY = '{ configurationItem(key: {source: "cmdb", key: "fuzz-canary"}) { name } }'


class Errors(logging.Handler):
    """Log records that say that something went wrong inside."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.lines.append(logging.Formatter().format(record))


@pytest.fixture
def errors() -> Iterator[Errors]:
    handler = Errors()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def cache_url(open_folder: Path) -> Iterator[str]:
    server = EmbeddedValkey(open_folder / "valkey")
    server.start()
    yield server.url
    server.stop()


@asynccontextmanager
async def landscape(postgres: EmbeddedPostgres, cache_url: str) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """A client of the application on the demo, with all its workers, and its databases."""
    urls = create_database(postgres, "fuzz"), create_database(postgres, "fuzz_requirements", "requirements")
    databases = Database("main", urls[0]), Database("requirements", urls[1])
    await load_if_empty(*databases)
    environment = {"DATABASE_URL": urls[0], "REQUIREMENTS_URL": urls[1], "REDIS_URL": cache_url}
    async with serving(environment, projecting=True) as client:
        yield client, databases
    for database in databases:
        await database.close()


async def test_nothing_that_is_sent_breaks_it(
    postgres: EmbeddedPostgres, cache_url: str, errors: Errors, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    count, seed = int(pytestconfig.getoption("--fuzz")), os.environ.get("STACKFLOW_FUZZ_SEED", "12")
    codes: Counter[str] = Counter()
    async with landscape(postgres, cache_url) as (client, databases):
        known = Landscape()
        for start in range(0, count, AT_ONCE * 8):
            await known.read(client)
            gate = asyncio.Semaphore(AT_ONCE)

            async def send(number: int, gate: asyncio.Semaphore = gate) -> None:
                async with gate:
                    try:
                        codes.update(await _sent(number, seed, client, known, databases, tmp_path))
                    except AssertionError as error:
                        error.add_note(f"request {number} of seed {seed}")
                        raise

            await asyncio.gather(*(send(number) for number in range(start, min(start + AT_ONCE * 8, count))))
        assert not errors.lines, errors.lines[0]
        await _assert_works(client)
        await known.read(client)
    print(dict(sorted(codes.items())))
    # It went deep: some of each had an effect.
    assert codes["mutation done"] >= count // 40
    assert codes["event accepted"] >= count // 10
    assert codes["alert accepted"] >= count // 40
    assert not errors.lines, errors.lines[0]


async def _sent(
    number: int, seed: str, client: httpx.AsyncClient, known: Landscape, databases: Any, folder: Path
) -> Counter[str]:
    chance = random.Random(f"{seed}-{number}")
    [kind] = chance.choices([name for name, _ in SHARES], [share for _, share in SHARES])
    if kind in ("mutation", "query"):
        generator = Generator(chance, known, SPICE)
        document, variables = generator.mutation() if kind == "mutation" else generator.query()
        body = encode({"query": document, "variables": variables})
        return _graphql(kind, await client.post("/graphql", content=body, headers=JSON), known)
    if kind == "event":
        body = encode(messages.event(chance, known, number, SPICE))
        return _accepted(kind, await client.post("/events", content=body, headers=EVENT))
    if kind == "alert":
        body = encode(messages.alerts(chance, number, SPICE))
        return _accepted(kind, await client.post("/alerts/alertmanager", content=body, headers=JSON))
    own = folder / str(number)
    own.mkdir()
    mapping = messages.write_import(chance, own, ROWS)
    async with _one_import:
        try:
            report = await run_import(mapping, own, *databases)
        except MappingError:
            return Counter({"import refused": 1})
    return Counter({"import created": report.total("created"), "import rejected": report.total("rejected")})


# A second import at the same time is refused by design.
_one_import = asyncio.Lock()


def _graphql(kind: str, reply: httpx.Response, known: Landscape) -> Counter[str]:
    assert reply.status_code < 500, (reply.status_code, reply.text[:500])
    body = reply.json()
    codes = [each["extensions"]["code"] for each in body.get("errors", [])]
    assert "INTERNAL" not in codes, body["errors"]
    assert "SOURCE_UNAVAILABLE" not in codes, body["errors"]
    data = body.get("data") or {}
    known.note(data)
    payloads = [each for each in data.values() if isinstance(each, dict)]
    users = [each["code"] for payload in payloads for each in payload.get("userErrors") or ()]
    done = kind == "mutation" and bool(payloads) and not users and not codes
    return Counter([f"{kind} {code}" for code in {*codes, *users}] + [f"{kind} done"] * done)


def _accepted(kind: str, reply: httpx.Response) -> Counter[str]:
    assert reply.status_code in (202, 400, 413), (reply.status_code, reply.text[:500])
    body = reply.json()
    refused = body.get("refused", [])
    assert all(each["reason"] for each in refused)
    return Counter({f"{kind} accepted": body.get("accepted", 0), f"{kind} refused": len(refused)})


async def _assert_works(client: httpx.AsyncClient) -> None:
    canary = upserted("fuzz-canary", "fuzz-canary", 10**6, source="/canary", class_="service")
    assert (await client.post("/events", content=encode(canary), headers=EVENT)).status_code == 202
    fewest, at = math.inf, time.monotonic()
    while waiting := await _waiting(client):
        if waiting < fewest:
            fewest, at = waiting, time.monotonic()
        assert time.monotonic() < at + STALL_SECONDS, f"{waiting} events wait, and none gets its effect"
        await asyncio.sleep(0.1)
    shown = await client.post("/graphql", json={"query": CANARY})
    assert shown.json()["data"]["configurationItem"] is not None
    ready = await client.get("/health/ready")
    assert ready.status_code == 200, ready.text


async def _waiting(client: httpx.AsyncClient) -> int:
    reply = await client.post("/graphql", json={"query": "{ backlogs { name waiting } }"})
    return sum(each["waiting"] for each in reply.json()["data"]["backlogs"] if each["name"] == "events")
