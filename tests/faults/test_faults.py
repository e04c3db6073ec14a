"""Four writers go on while everything below them is killed in turn: nothing acknowledged is lost or done twice."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.chaos import Chaos
from tests.faults.client import Client, document
from tests.faults.proof import Proof
from tests.faults.stores import service
from tests.faults.writer import Writer

WRITERS = 4
SHARED = 3
# Mutations and events to one kill of each process and store.
CALM = 2_500
# What is promised: so many seconds after the last fault the graph is what the tables are.
SECONDS = 10.0


async def test_nothing_acknowledged_is_lost_or_done_twice(
    open_folder: Path, pytestconfig: pytest.Config, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    count: int = pytestconfig.getoption("--faults")
    kills = max(1, count // CALM)
    begin = time.monotonic()
    with capsys.disabled():
        print(f"\nfaults: seed {seed}, {count} mutations and events, {kills} kills of each", flush=True)
    async with service(open_folder) as stores:
        shared = await _shared(stores.addresses)
        writers = [Writer(number, seed, count // WRITERS, stores.addresses, shared) for number in range(WRITERS)]
        chaos = Chaos(stores, seed, kills, count)
        over = asyncio.Event()

        def progress() -> int:
            return count if over.is_set() else min(count - 1, sum(writer.sent for writer in writers))

        async def write() -> None:
            async with asyncio.TaskGroup() as group:
                for writer in writers:
                    group.create_task(writer.run(lambda: None))
            over.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(write())
            group.create_task(chaos.run(progress))
        proof = Proof(stores, writers)
        assert sum(writer.stale for writer in writers) == 0
        lag = await proof.converged(chaos.over, SECONDS)
        proof.exactly_once()
        proof.one_effect()
        seen = await proof.caches_tell_the_rows(seed)
        for writer in writers:
            await writer.client.close()
    troubles: Counter[str] = Counter()
    for writer in writers:
        troubles += writer.client.troubles
    with capsys.disabled():
        print(
            f"faults: {sum(writer.sent for writer in writers)} sent in {time.monotonic() - begin:.0f} s, "
            f"kills {dict(chaos.done)}, repeated calls {dict(troubles)}, "
            f"equal {lag:.1f} s after the last fault ({chaos.last}), {seen} entities read",
            flush=True,
        )


async def _shared(addresses: list[str]) -> list[str]:
    client = Client(addresses, "shared")
    made = [
        await client.ask(
            document("createConfigurationItem"),
            "createConfigurationItem",
            input={"name": f"shared {number}", "classKey": "service"},
        )
        for number in range(SHARED)
    ]
    await client.close()
    return [each["configurationItem"]["id"] for each in made]
