"""Four writers go on while stores below them stand still: every call ends by its deadline, and nothing is lost."""

from pathlib import Path

from tests.faults.chaos import Chaos
from tests.faults.proof import Proof
from tests.faults.stores import service
from tests.faults.writing import made_writers, written_under

COUNT = 240
# Seconds of a request, and for which a store stands still: longer, so that requests run out of time.
TIMEOUT, HANG = 2.0, (3.0, 5.0)
# Seconds by which an answer may be late: one is promised, one is for HTTP on a busy machine.
LATE = 2.0
# What is promised: so many seconds after the last fault the graph is what the tables are.
SECONDS = 10.0


async def test_a_store_that_hangs_costs_the_deadline_and_nothing_else(open_folder: Path, seed: int) -> None:
    async with service(open_folder, REQUEST_TIMEOUT_SECONDS=str(TIMEOUT)) as stores:
        writers = await made_writers(stores, seed, COUNT)
        chaos = Chaos(stores.hangs(), seed, 1, COUNT, HANG)
        await written_under(chaos, writers)
        proof = Proof(stores, writers)
        await proof.converged(chaos.over, SECONDS)
        proof.exactly_once()
        proof.one_effect()
        await proof.caches_tell_the_rows(seed)
        for writer in writers:
            await writer.client.close()
    assert max(writer.client.longest for writer in writers) < TIMEOUT + LATE
    assert sum(writer.client.troubles["SOURCE_UNAVAILABLE"] for writer in writers) > 0
    # A server that gives nothing but a late answer did not end.
    assert {name for writer in writers for name in writer.client.troubles} == {"SOURCE_UNAVAILABLE"}
