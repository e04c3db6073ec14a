"""Four writers at work while something happens to what is below them."""

import asyncio
from collections.abc import Sequence

from tests.faults.chaos import Chaos
from tests.faults.client import Client, document
from tests.faults.stores import Service
from tests.faults.writer import Writer

WRITERS = 4
SHARED = 3


async def made_writers(service: Service, seed: int, count: int) -> list[Writer]:
    """Writers of so many mutations and events in all."""
    shared = await _shared(service.addresses)
    return [Writer(number, seed, count // WRITERS, service.addresses, shared) for number in range(WRITERS)]


async def written_under(chaos: Chaos, writers: Sequence[Writer]) -> None:
    """All that the writers write, and all faults meanwhile. Nobody read anything older than what he was told."""
    over = asyncio.Event()

    def progress() -> int:
        return chaos.count if over.is_set() else min(chaos.count - 1, sum(writer.sent for writer in writers))

    async def write() -> None:
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.run(lambda: None))
        over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        group.create_task(chaos.run(progress))
    assert sum(writer.stale for writer in writers) == 0


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
