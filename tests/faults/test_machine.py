"""The whole service does what a plain model does, whatever is asked of it in whatever order."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from datasources.sources import Sources, open_sources
from tests.faults.machine import Whole
from tests.fixtures.databases import create_database


@pytest.fixture
def machine(postgres: EmbeddedPostgres, gremlin_server: EmbeddedGremlin, tmp_path: Path) -> Iterator[type[Whole]]:
    valkey = EmbeddedValkey(tmp_path / "valkey")
    valkey.start()
    url = create_database(postgres, "whole")
    main = PostgresSettings(url=url)

    def opened() -> Sources:
        graph = GraphSettings(url=gremlin_server.url)
        return open_sources(main, main, CacheSettings(url=valkey.url), graph)

    # A loop of its own: Hypothesis calls its rules from outside of any.
    loop = asyncio.new_event_loop()
    with redis.Redis.from_url(valkey.url) as commands:
        flush = staticmethod(commands.flushall)
        yield type("WholeHere", (Whole,), {"url": url, "loop": loop, "opened": staticmethod(opened), "flush": flush})
    loop.close()
    valkey.stop()


def test_the_whole_does_what_the_model_does(machine: type[Whole]) -> None:
    chosen = settings(
        max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(machine, settings=chosen)
