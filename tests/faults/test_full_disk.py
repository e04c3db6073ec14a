"""The disk below the database is full: writes are refused and may be repeated, and nothing acknowledged is lost."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasources.embedded.stores import EmbeddedStores, StoreSelection
from tests.fixtures.serving import serving
from workers.migrations import migrate

MEGABYTES = 200
# Bytes that are left on the disk when it counts as full, and of what each write wants to keep: not to be compressed.
SPARE, SIZE = 1_000_000, 60_000
PROPOSE = """mutation ($key: String!, $text: String!) {
    proposeChange(input: { title: $key, description: $text, idempotencyKey: $key })
        { change { title } userErrors { message } } }"""
READ = "{ changes(first: 100) { totalCount nodes { title } } }"
# Seconds after which a disk with space again must have been noticed.
SECONDS = 60.0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own; the test is skipped where none may be mounted."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class Changes:
    """What is proposed, and what of it was acknowledged."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.acknowledged: list[str] = []
        self.refused: list[str] = []

    async def propose(self, key: str) -> bool:
        """Whether it was acknowledged; if not, it was because a store is not available."""
        text = b"".join(number.to_bytes(4, "big") for number in range(SIZE // 8)).hex()
        body = await self._ask(PROPOSE, key=key, text=f"{key} {text}")
        if "errors" not in body:
            assert body["data"]["proposeChange"]["userErrors"] == []
            self.acknowledged.append(key)
            return True
        assert {error["extensions"]["code"] for error in body["errors"]} == {"SOURCE_UNAVAILABLE"}
        self.refused.append(key)
        return False

    async def titles(self) -> list[str]:
        """Of all changes, once they can be read."""
        while "errors" in (body := await self._ask(READ)):
            await asyncio.sleep(0.2)
        return [each["title"] for each in body["data"]["changes"]["nodes"]]

    async def _ask(self, query: str, **variables: Any) -> Any:
        return (await self._client.post("/graphql", json={"query": query, "variables": variables})).json()


async def test_a_full_disk_refuses_writes_and_loses_none(open_folder: Path) -> None:
    with small_disk(open_folder / "small") as disk:
        stores = EmbeddedStores(disk / "state", StoreSelection(cache=False))
        urls = await asyncio.to_thread(stores.start)
        assert urls.main is not None
        assert urls.requirements is not None
        try:
            await asyncio.to_thread(migrate, "main", urls.main)
            await asyncio.to_thread(migrate, "requirements", urls.requirements)
            stores.supervise()
            own = {"DATABASE_URL": urls.main, "REQUIREMENTS_URL": urls.requirements, "REDIS_URL": "off"}
            async with serving(own) as client:
                await filled_and_freed(disk, Changes(client))
        finally:
            await asyncio.to_thread(stores.stop)


async def filled_and_freed(disk: Path, changes: Changes) -> None:
    """Write before, while and after the disk is full."""
    for number in range(5):
        assert await changes.propose(f"before {number}")
    filling = disk / "filling"
    with suppress(OSError), filling.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(disk).free) > SPARE:
            file.write(bytes(min(free - SPARE, 1_000_000)))
    for number in range(60):
        await changes.propose(f"full {number}")
        if len(changes.refused) == 5:
            break
    assert len(changes.refused) == 5
    filling.unlink()
    async with asyncio.timeout(SECONDS):
        # By their keys: what was done without an answer is not done again.
        for key in list(changes.refused):
            while not await changes.propose(key):
                await asyncio.sleep(0.2)
        assert sorted(await changes.titles()) == sorted(changes.acknowledged)
