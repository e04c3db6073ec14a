"""The loader: one batch for each link and level, read through the cache, once for each key and request."""

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

# Increment when the shape of a cached record changes, so that releases never read each other's cached bytes.
CACHE_FORMAT_VERSION = 3

# Number of values of one batch that are delivered in one turn of the event loop.
VALUES_PER_TURN = 25


class Loader(Generic[K, V]):
    """Loads values by key in batches. A subclass defines the value type, the tables it reads, and how to fetch.

    Named `<What>By<Key>` and used by class: `context.loader(TeamById).load(id)`. Within a request, the same class with
    the same arguments is the same loader.
    """

    # The msgspec type of a cached value; None if values are not cached.
    value: ClassVar[Any] = None

    def __init__(self, context: Context, arguments: Any = None) -> None:
        self.context = context
        self.arguments = arguments
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._known: dict[K, asyncio.Future[V]] = {}

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables whose changes invalidate a value."""
        raise NotImplementedError

    @property
    def scope_key(self) -> str:
        """The part of the caller's scope on which values depend; a cached value is never used with another one."""
        return ""

    async def fetch(self, keys: Sequence[K]) -> Mapping[K, V]:
        """Fetch values from the store, in one statement or traversal; keys without a value may be left out."""
        raise NotImplementedError

    @classmethod
    def reads_cache(cls, context: Context) -> bool:
        """Whether values are read through the cache in this request."""
        # A caller that must see a write bypasses the cache: invalidation by other processes may be pending.
        return cls.value is not None and context.sources.cache.enabled and context.request.min_transaction is None

    def absent(self, key: K) -> V:
        """Return the value of a key that `fetch` left out: None for a single value, [] for a list."""
        raise NotImplementedError

    def load(self, key: K) -> asyncio.Future[V]:
        """Return the value of a key, loaded with the next wave and only once."""
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
        """Return values in order of keys."""
        return list(await asyncio.gather(*(self.load(key) for key in keys)))

    async def _batch(self) -> None:
        waiting, self._waiting = self._waiting, {}
        values: Mapping[K, V] = {}
        failure: Exception | None = None
        try:
            values = await self._read_through(list(waiting))
        except asyncio.CancelledError:
            for future in waiting.values():
                future.cancel()
            raise
        except Exception as error:
            # The boundary of a batch: any error belongs to every waiting field, where the schema masks it.
            failure = error
        for number, (key, future) in enumerate(waiting.items(), 1):
            if future.done():
                continue
            if number % VALUES_PER_TURN == 0:
                # Fields that wait for a value resume in the next turn: let other requests run in between.
                await asyncio.sleep(0)
            if failure is not None:
                future.set_exception(_to_shown_error(failure))
                # Retrieved here, so that a field that is never awaited logs no 'exception was never retrieved'.
                future.exception()
            else:
                future.set_result(values[key] if key in values else self.absent(key))

    async def _read_through(self, keys: list[K]) -> Mapping[K, V]:
        if not self.reads_cache(self.context):
            return await self.fetch(keys)
        cache = self.context.sources.cache
        reads = self.reads
        names = {key: self._name(key) for key in keys}
        cached = await cache.get_many(list(names.values()), reads)
        values = self._decoded(names, cached.values)
        missing = [key for key in keys if key not in values]
        if not missing:
            return values
        won = await cache.lease_many([names[key] for key in missing], cached.stamp)
        lost = [key for key in missing if names[key] not in won]
        mine = [key for key in missing if names[key] in won]
        if mine:
            values |= await self._load_and_fill(mine, names, won, cached.stamp)
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

    def _decoded(self, names: Mapping[K, str], cached: Mapping[str, bytes]) -> dict[K, V]:
        values: dict[K, V] = {}
        for key, name in names.items():
            if name in cached:
                # Bytes of another shape, for example of another release that also serves, count as a miss.
                with suppress(msgspec.DecodeError):
                    charge_row_bytes(self.context.request, len(cached[name]), "cache")
                    values[key] = msgspec.msgpack.decode(cached[name], type=self.value)
        return values

    def _name(self, key: K) -> str:
        arguments = "" if self.arguments is None else repr(self.arguments)
        return f"{CACHE_FORMAT_VERSION}|{type(self).__name__}|{self.scope_key}|{arguments}|{key!r}"


def _to_shown_error(error: Exception) -> Exception:
    if isinstance(error, SourceInvalidValue):
        shown = BadUserInput("a filter value or cursor is invalid")
        shown.__cause__ = error
        return shown
    if isinstance(error, SourceResultTooLarge):
        return result_too_large(error)
    return SourceLost.from_error(error) if isinstance(error, SourceUnavailable) else error
