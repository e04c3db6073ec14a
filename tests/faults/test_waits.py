"""Hundreds of runs wait, their worker is broken off twice, and another one begins: each run ends once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from resolvers.workflow_runs.scheduler import MAX_RUNS, advance_due
from tests.fixtures.runs import Runs, runs_opened, step

# Runs for each call of `--faults`, and at most: 400 by default, 2,000 in `make test-faults`.
SHARE, MAX_WAITING = 0.4, 2_000

MULTIPLY = """
WITH pattern AS (SELECT r FROM workflow_runs r WHERE id = %(run)s),
made AS (
    INSERT INTO workflow_runs
    SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'number', 'WFRX' || n))).*
    FROM pattern, generate_series(2, %(count)s) n RETURNING id)
INSERT INTO workflow_step_runs
SELECT (jsonb_populate_record(x, jsonb_build_object('id', gen_random_uuid(), 'run_id', made.id))).*
FROM made, workflow_step_runs x WHERE x.run_id = %(run)s
"""


@pytest.fixture
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "many_waits") as opened:
        yield opened


async def test_runs_that_waited_over_a_restart_end_once_each(runs: Runs, pytestconfig: pytest.Config) -> None:
    waiting = min(MAX_WAITING, int(SHARE * pytestconfig.getoption("--faults")))
    pattern = await runs.start(runs.publish(step("pause", "WAIT", seconds=3_600)))
    with psycopg.connect(runs.operations.url, autocommit=True) as connection:
        connection.execute(MULTIPLY.encode(), {"run": pattern, "count": waiting})
        connection.execute("UPDATE workflow_step_runs SET due_at = now()")
    # Two that are broken off in the middle of a round, as where their process is killed.
    for _ in range(2):
        async with AnotherProcess(runs) as sources:
            broken = asyncio.create_task(advance_due(sources, datetime.now(UTC)))
            await ended(runs, 20)
            broken.cancel()
            with suppress(asyncio.CancelledError):
                await broken
    [[left]] = runs.rows("SELECT count(*) FROM workflow_runs WHERE state <> 'SUCCEEDED'")
    assert 0 < left < waiting
    async with AnotherProcess(runs) as sources:
        rounds = [await advance_due(sources, datetime.now(UTC))]
        while rounds[-1]:
            rounds.append(await advance_due(sources, datetime.now(UTC)))
    # Every round is full but the last one, so nothing is looked at twice.
    full, rest = divmod(left, MAX_RUNS)
    assert rounds == [MAX_RUNS] * full + [rest] * bool(rest) + [0]
    assert runs.rows("SELECT state, count(*) FROM workflow_runs GROUP BY 1") == [("SUCCEEDED", waiting)]
    assert runs.rows("SELECT state, attempt, count(*) FROM workflow_step_runs GROUP BY 1, 2") == [
        ("SUCCEEDED", 1, waiting)
    ]
    # Once each: the end of a run is one version of it.
    assert runs.rows("SELECT version - (SELECT version FROM workflow_runs WHERE id = %s), count(*) FROM workflow_runs"
                     " GROUP BY 1", pattern) == [(0, waiting)]  # fmt: skip


class AnotherProcess:
    """Sources of its own, as another process has them."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._main = Database("main", runs.operations.url)

    async def __aenter__(self) -> Sources:
        known = self._runs.operations.sources
        return Sources(self._main, known.requirements, known.graph, known.cache)

    async def __aexit__(self, *_: object) -> None:
        await self._main.close()


async def ended(runs: Runs, more: int) -> None:
    """Wait until so many more runs have ended."""
    count = "SELECT count(*) FROM workflow_runs WHERE state = 'SUCCEEDED'"
    [[before]] = runs.rows(count)
    while runs.rows(count)[0][0] < before + more:
        await asyncio.sleep(0.05)
