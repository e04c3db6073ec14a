"""Four writers go on while everything below them is killed in turn: nothing acknowledged is lost or done twice."""

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.chaos import Chaos
from tests.faults.proof import Proof
from tests.faults.stores import service
from tests.faults.writing import made_writers, written_under

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
        writers = await made_writers(stores, seed, count)
        chaos = Chaos(stores.faults(), seed, kills, count)
        await written_under(chaos, writers)
        proof = Proof(stores, writers)
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
