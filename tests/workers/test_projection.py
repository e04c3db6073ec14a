"""The projector as it runs: beside a server, killed, frozen, without its graph for a while, and as a function."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import workers.projection
from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import outbox as mailbox
from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.cache.redis.adapter import RedisCache
from datasources.config import GraphSettings
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.valkey import EmbeddedValkey
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.completeness import GremlinCompletenessMarker
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.gremlin.source import g
from datasources.graph.projection import Changes
from datasources.sources import Sources
from resolvers.projection.check import check
from resolvers.projection.follow import OutboxProjector
from resolvers.projection.rebuild import RebuildOptions, rebuild
from tests.fixtures.databases import ask, person
from tests.fixtures.following import DropEdge, DropItem, PutEdge, PutItem, emptied, outbox, sources_of, write
from tests.fixtures.gate import Gate
from tests.fixtures.graph import node
from tests.fixtures.projection import Empty, holds
from tests.oracles.projection import OracleProjection
from workers.projection import background_projector, handler


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a state; a test that waits for longer than a minute has failed."""
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_another_ends_the_round_of_one_that_was_killed(
    projected_url: str, main: Database, gremlin_server: EmbeddedGremlin, empty_gremlin: Empty, when: str
) -> None:
    emptied(projected_url)
    projection = await empty_gremlin()
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    command = [sys.executable, "-m", "tests.fixtures.projecting", projected_url, gremlin_server.url, when]
    with subprocess.Popen(  # noqa: ASYNC220
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "here\n"
        follower = OutboxProjector(sources_of(main, projection))
        assert not (await follower.run_round()).held
        # What the dead one had sent is no longer true.
        write(projected_url, DropEdge(1))
        process.kill()
    assert outbox(projected_url) == [(False, 0, "")] * 4
    assert len((await holds(projection))[1]) == (1 if when == "after" else 0)
    assert (await follower.run_until_done()).rows == 4
    assert await holds(projection) == ([node(1), node(2)], [])
    assert outbox(projected_url) == [(True, 0, "")] * 4


async def test_the_server_takes_the_lock_from_one_that_is_silent(main: Database) -> None:
    async def holding() -> None:
        async with main.transaction() as transaction:
            assert await mailbox.lock(transaction, 0.3)
            taken.set()
            await asyncio.Event().wait()

    async def lock() -> bool:
        async with main.transaction() as transaction:
            return await mailbox.lock(transaction, 30)

    taken = asyncio.Event()
    frozen = asyncio.create_task(holding())
    await taken.wait()
    assert not await lock()
    async with asyncio.timeout(60):
        while not await lock():
            await asyncio.sleep(0.05)
    frozen.cancel()
    await asyncio.gather(frozen, return_exceptions=True)


async def test_a_graph_that_was_lost_is_brought_along_once_it_is_back(
    projected_url: str,
    main: Database,
    gremlin_server: EmbeddedGremlin,
    empty_gremlin: Empty,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    emptied(projected_url)
    monkeypatch.setattr(workers.projection, "MIN_BACKOFF_SECONDS", 0.05)
    bare = await empty_gremlin()
    gate = Gate(gremlin_server.url)
    await gate.open()
    client = GremlinClient(GraphSettings(url=gate.url, timeout=5, connect_timeout=1))
    async with background_projector(sources_of(main, GremlinProjection(client))):
        write(projected_url, PutItem(1))
        await until(lambda: outbox(projected_url) == [(True, 0, "")])
        await gate.shut()
        write(projected_url, PutItem(2))
        await until(lambda: "worker waits for a store" in caplog.text)
        assert outbox(projected_url) == [(True, 0, ""), (False, 0, "")]
        await gate.open()
        await until(lambda: outbox(projected_url) == [(True, 0, "")] * 2)
    assert await holds(bare) == ([node(1), node(2)], [])
    await client.close()
    await gate.shut()


async def test_a_graph_that_was_emptied_is_brought_back_beside_the_loop(
    projected_url: str, main: Database, gremlin_server: EmbeddedGremlin, empty_gremlin: Empty,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    emptied(projected_url)
    monkeypatch.setattr(workers.projection, "MAX_PAUSE_SECONDS", 0.05)
    bare = await empty_gremlin()
    client = GremlinClient(GraphSettings(url=gremlin_server.url))
    sources = replace(
        sources_of(main, GremlinProjection(client)), completeness_marker=GremlinCompletenessMarker(client)
    )
    whole = ([node(1), node(2)], 1)

    async def held() -> tuple[list[str], int]:
        nodes, edges = await holds(bare)
        return nodes, len(edges)

    async with background_projector(sources):
        write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
        async with asyncio.timeout(60):
            while not await GremlinCompletenessMarker(client).is_complete() or await held() != whole:
                await asyncio.sleep(0.02)
            await client.submit(g.V().drop(), "empty", writes=True)
            while await held() != whole:
                await asyncio.sleep(0.02)
    await client.close()


async def test_the_loop_ends_when_the_server_does_and_says_what_it_did(
    projected_url: str, main: Database, caplog: pytest.LogCaptureFixture
) -> None:
    emptied(projected_url)
    caplog.set_level(logging.DEBUG, "stackflow.projection")
    projection = OracleProjection()
    async with background_projector(sources_of(main, projection)):
        [task] = [each for each in asyncio.all_tasks() if each.get_name() == "projection"]
        write(projected_url, PutItem(1), PutEdge(1, 1, 2))
        await until(lambda: outbox(projected_url) == [(True, 0, "")] * 2)
    assert task.done()
    assert not task.cancelled()
    [line] = [record for record in caplog.records if record.message == "round"]
    told = vars(line)
    assert {name: told[name] for name in ("rows", "nodes", "edges", "refused")} == {
        "rows": 2, "nodes": 1, "edges": 1, "refused": 0,
    }  # fmt: skip
    assert {"lag", "ms"} <= told.keys()


async def test_a_rebuild_while_the_projector_runs_ends_alike(
    projected_url: str, main: Database, empty_gremlin: Empty
) -> None:
    emptied(projected_url)
    projection = await empty_gremlin()
    write(projected_url, *(PutItem(number) for number in range(1, 40)))
    write(projected_url, *(PutEdge(number, number, number + 1) for number in range(1, 40)))

    def writing() -> None:
        for number in range(1, 40):
            write(projected_url, PutEdge(number, number, 41 - number, "other"), DropEdge(40 - number))
            write(projected_url, DropItem(number), PutItem(number + 50))

    async with background_projector(sources_of(main, projection)):
        await asyncio.gather(
            asyncio.to_thread(writing), rebuild(main, projection, RebuildOptions(page=5)), rebuild(main, projection)
        )
        await until(lambda: all(projected for projected, _, _ in outbox(projected_url)))
    assert (await check(main, projection)).differences == 0


@asynccontextmanager
async def cached(main: Database, url: str) -> AsyncIterator[Sources]:
    """Sources with a cache of their own on a server."""
    cache = RedisCache(url, write_log=PostgresWriteLog(main), timeout=5)
    yield sources_of(main, None, cache)
    await cache.close()


class Walked(GremlinProjection):
    """A projection before which somebody walks the graph, as it still is."""

    def __init__(self, client: GremlinClient) -> None:
        super().__init__(client)
        self.walk: Callable[[], Awaitable[object]] | None = None

    async def apply(self, changes: Changes) -> None:
        if self.walk is not None:
            await self.walk()
        await super().apply(changes)


WALK = "query ($id: ID!) { configurationItem(id: $id) { neighbours { totalCount } } }"


async def test_a_walk_that_was_stored_before_the_graph_knew_is_not_found_afterwards(
    projected_url: str, main: Database, gremlin_client: GremlinClient, empty_gremlin: Empty, tmp_path: Path
) -> None:
    emptied(projected_url)
    await empty_gremlin()
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    try:
        async with cached(main, server.url) as opened:
            projection = Walked(gremlin_client)
            sources = replace(opened, graph=GremlinGraph(gremlin_client), projection=projection)
            walker = person("configuration-items:read", "relationships:read")
            counts = []

            async def walk() -> None:
                answer = await ask(sources, WALK, walker, id=f"ci_{node(1)}")
                assert answer.errors == []
                counts.append(answer.data["configurationItem"]["neighbours"]["totalCount"])

            write(projected_url, PutItem(1), PutItem(2))
            await OutboxProjector(sources).run_round()
            projection.walk = walk
            write(projected_url, PutEdge(1, 1, 2))
            await OutboxProjector(sources).run_round()
            await walk()
            assert counts == [0, 1]
    finally:
        server.stop()


class Remaining:
    """The context of a Lambda call."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def test_the_function_follows_until_nothing_waits(
    projected_url: str, gremlin_server: EmbeddedGremlin, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    for name, value in {
        "DATABASE_URL": projected_url, "REQUIREMENTS_URL": projected_url, "REDIS_URL": "off",
        "GRAPH_URL": gremlin_server.url,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert handler({}, Remaining()) == {"rows": 3, "nodes": 2, "edges": 1, "refused": 0}
    assert outbox(projected_url) == [(True, 0, "")] * 3
    assert handler({}, Remaining()) == {"rows": 0, "nodes": 0, "edges": 0, "refused": 0}
