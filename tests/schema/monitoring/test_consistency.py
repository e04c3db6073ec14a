"""The meter: what waits, what was set aside, how old it is, and what the latest check left."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import graph_buckets, outbox
from datasources.aurora.outbox.graph_buckets import BucketComparison
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from resolvers.projection.follow import OutboxProjector
from tests.fixtures.databases import ask, create_database, person
from tests.fixtures.following import sources_of

METER = "{ consistency { lagSeconds pending refused divergent checkedAt } }"
OPERATOR = person("consistency:read")


@pytest.fixture
def url(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    return create_database(postgres, request.function.__name__[:60])


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    main = Database("main", url)
    yield sources_of(main, None)
    await main.close()


async def meter(sources: Sources) -> Any:
    answer = await ask(sources, METER, OPERATOR)
    assert (answer.errors, answer.sql) == ([], 3)
    return answer.data["consistency"]


async def test_it_counts_what_waits_and_what_was_set_aside(sources: Sources, url: str) -> None:
    nothing = {"lagSeconds": 0, "pending": 0, "refused": 0, "divergent": None, "checkedAt": None}
    assert await meter(sources) == nothing
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO teams (id, key, name) SELECT gen_random_uuid(), n, 'Team' FROM generate_series(1, 5) n"
        )
        connection.execute("UPDATE outbox SET written_at = now() - position * interval '1 hour'")
        connection.execute("UPDATE outbox SET refused = 'no' WHERE position = 5")
        connection.execute("UPDATE outbox SET projected = true WHERE position = 4")
    found = await meter(sources)
    # The oldest that waits, and neither the one set aside nor the one that is done.
    assert 3 * 3_600 <= found.pop("lagSeconds") < 3 * 3_600 + 60
    assert found == {"pending": 3, "refused": 1, "divergent": None, "checkedAt": None}
    await OutboxProjector(sources).run_until_done()
    assert await meter(sources) == nothing | {"refused": 1}


async def test_it_tells_what_the_latest_check_left(sources: Sources) -> None:
    await outbox.store_check(sources.main, 10, 20, 3)
    await outbox.store_check(sources.main, 10, 20, 1)
    found = await meter(sources)
    last = await outbox.fetch_last_check(sources.main)
    assert last is not None
    assert (found["divergent"], last.divergent) == (1, 1)
    assert found["checkedAt"] is not None


async def test_the_newer_of_a_check_and_of_the_comparison_by_buckets_counts(sources: Sources, url: str) -> None:
    await outbox.store_check(sources.main, 10, 20, 3)
    every = [BucketComparison(bucket, 1, 2, "a", "b", 2) for bucket in range(256)]
    await graph_buckets.store_comparisons(sources.main, every[1:])
    # One bucket was never compared.
    assert (await meter(sources))["divergent"] == 3
    await graph_buckets.store_comparisons(sources.main, every[:1])
    assert (await meter(sources))["divergent"] == 512
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE graph_buckets SET checked_at = now() - interval '1 hour' WHERE bucket = 7")
    assert (await meter(sources))["divergent"] == 3


async def test_it_takes_a_permission(sources: Sources) -> None:
    answer = await ask(sources, METER, person("configuration-items:read"))
    assert (answer.data, answer.codes) == ({"consistency": None}, ["FORBIDDEN"])
