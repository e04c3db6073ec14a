"""The loader: one batch per link per level, read through the cache, once per key and request."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from datasources.aurora.driver.bounded_rows import charge_row_bytes
from datasources.errors import SourceInvalidValue, SourceResultTooLarge, SourceUnavailable
from resolvers.context import Context
from resolvers.errors import BadUserInput, SourceLost, result_too_large

K = TypeVar("K")
V = TypeVar("V")

# Raised with each change of a cached record's shape, so that old and new code never read each other's bytes.
CACHE_FORMAT_VERSION = 1

# Values of one batch that are handed out in one turn of the event loop.
VALUES_PER_TURN = 25


class Loader(Generic[K, V]):
    """Loads values by key in batches. A subclass says what a value is, which tables it reads, and how to fetch.

    Named `<What>By<Key>` and asked for by class: `context.loader(TeamById).load(id)`. The same class with the
    same arguments is one loader within a request.
    """

    # The msgspec type of a value, for the cache; None for a loader that is not cached.
    value: ClassVar[Any] = None

    def __init__(self, context: Context, arguments: Any = None) -> None:
        self.context = context
        self.arguments = arguments
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._known: dict[K, asyncio.Future[V]] = {}

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables whose change makes a value stale."""
        raise NotImplementedError

    @property
    def scope_key(self) -> str:
        """What of the asker's scope the value depends on; a cached value never crosses it."""
        return ""

    async def fetch(self, keys: Sequence[K]) -> Mapping[K, V]:
        """Values from the store, in one statement or traversal; keys without a value may be left out."""
        raise NotImplementedError

    def absent(self, key: K) -> V:
        """The value of a key that `fetch` left out: None for a single value, [] for a list."""
        raise NotImplementedError

    def load(self, key: K) -> asyncio.Future[V]:
        """The value of a key, with the next wave; asked twice, loaded once."""
        future = self._known.get(key)
        if future is None:
            future = self._known[key] = asyncio.get_running_loop().create_future()
            if not self._waiting:
                self.context.waves.add(self._batch)
            else:
                self.context.waves.postpone()
            self._waiting[key] = future
        return future

    async def load_many(self, keys: Sequence[K]) -> list[V]:
        """Values in order of keys."""
        return list(await asyncio.gather(*(self.load(key) for key in keys)))

    async def _batch(self) -> None:
        waiting, self._waiting = self._waiting, {}
        # Gathered, not caught: whatever went wrong belongs to every waiting field, and the schema masks it there.
        (outcome,) = await asyncio.gather(self._read_through(list(waiting)), return_exceptions=True)
        for number, (key, future) in enumerate(waiting.items(), 1):
            if future.done():
                continue
            if number % VALUES_PER_TURN == 0:
                # Whoever waits for a value goes on in the next turn of the event loop: others are served between them.
                await asyncio.sleep(0)
            if isinstance(outcome, BaseException):
                future.set_exception(_to_shown_error(outcome))
                # Read once, so that a field nobody awaits leaves no 'exception was never retrieved' in the log.
                future.exception()
            else:
                future.set_result(outcome[key] if key in outcome else self.absent(key))

    async def _read_through(self, keys: list[K]) -> Mapping[K, V]:
        if self.value is None:
            return await self.fetch(keys)
        cache = self.context.sources.cache
        # Who must see a write takes no chances with what others may still have to make a miss.
        if not cache.enabled or self.context.request.min_transaction is not None:
            return await self.fetch(keys)
        reads = self.reads
        names = {key: self._name(key) for key in keys}
        found = await cache.get_many(list(names.values()), reads)
        values = self._decoded(names, found.values)
        missing = [key for key in keys if key not in values]
        if not missing:
            return values
        won = await cache.lease_many([names[key] for key in missing], found.stamp)
        lost = [key for key in missing if names[key] not in won]
        mine = [key for key in missing if names[key] in won]
        if mine:
            values |= await self._load_and_fill(mine, names, won, found.stamp)
        if lost:
            waited = await cache.wait_many([names[key] for key in lost], reads)
            values |= self._decoded({key: names[key] for key in lost}, waited)
            left = [key for key in lost if key not in values]
            if left:
                values |= await self._fetch_all(left)
        return values

    async def _load_and_fill(
        self, keys: list[K], names: Mapping[K, str], tokens: Mapping[str, str], stamp: bytes
    ) -> dict[K, V]:
        loaded = await self._fetch_all(keys)
        encoded = {names[key]: msgspec.msgpack.encode(value) for key, value in loaded.items()}
        await self.context.sources.cache.fill(encoded, tokens, stamp, self.context.sources.cache_seconds)
        return loaded

    async def _fetch_all(self, keys: list[K]) -> dict[K, V]:
        fetched = await self.fetch(keys)
        return {key: fetched[key] if key in fetched else self.absent(key) for key in keys}

    def _decoded(self, names: Mapping[K, str], found: Mapping[str, bytes]) -> dict[K, V]:
        values: dict[K, V] = {}
        for key, name in names.items():
            if name in found:
                # Bytes of another shape, such as another release's while both serve, are a miss.
                with suppress(msgspec.DecodeError):
                    charge_row_bytes(self.context.request, len(found[name]), "cache")
                    values[key] = msgspec.msgpack.decode(found[name], type=self.value)
        return values

    def _name(self, key: K) -> str:
        arguments = "" if self.arguments is None else repr(self.arguments)
        return f"{CACHE_FORMAT_VERSION}|{type(self).__name__}|{self.scope_key}|{arguments}|{key!r}"


def _to_shown_error(error: BaseException) -> BaseException:
    if isinstance(error, SourceInvalidValue):
        told = BadUserInput("a filter value or cursor cannot be understood")
        told.__cause__ = error
        return told
    if isinstance(error, SourceResultTooLarge):
        return result_too_large(error)
    return SourceLost.from_error(error) if isinstance(error, SourceUnavailable) else error
