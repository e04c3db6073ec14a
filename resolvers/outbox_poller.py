"""The only reader of the outbox for all subscriptions of this process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import feed
from datasources.aurora.outbox.feed import CursorExpired
from datasources.observability.heartbeats import Heartbeats
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind
from datasources.request import RequestContext, use_request
from datasources.supervisor import Backoff, supervise
from resolvers.errors import SlowConsumer

# Polling, since LISTEN would need its own session, which RDS Proxy does not provide.
# Between two polls while there are listeners.
POLL_SECONDS = 0.2
# After a failed poll.
RETRY_SECONDS = 1.0
# The deadline of one poll.
POLL_TIMEOUT_SECONDS = 10.0
# Maximum duration of a poll with the waiting after it; then the poller counts as stuck.
ROUND_TIMEOUT_SECONDS = 60.0
# Entries of one poll.
PAGE_SIZE = 1_000
# Entries that may wait for one listener.
MAX_BUFFERED_ENTRIES = 5_000
# How long the next of several pages is delayed for listeners without room for it.
MAX_BACKPRESSURE_SECONDS = 1.0


class Listener:
    """The buffer of one listener: entries after `begin`, of some kinds and optionally of some ids only.

    `buffer` is the maximum number of waiting entries; `taken` is set whenever entries were taken.
    """

    def __init__(
        self,
        begin: FeedCursor,
        kinds: Collection[FeedKind],
        ids: Collection[str] | None,
        buffer: int,
        taken: asyncio.Event,
    ) -> None:
        self.begin = begin
        # Every entry up to here was processed; those for this listener that were not taken yet are waiting.
        self.position = begin
        self._kinds = frozenset(kinds)
        self._ids = None if ids is None else frozenset(ids)
        self._buffer = buffer
        self._waiting: deque[FeedEntry] = deque()
        self._error: BaseException | None = None
        self._stirred = asyncio.Event()
        self._taken = taken

    async def next_entries(self, max_entries: int, seconds: float) -> list[FeedEntry]:
        """Return waiting entries in order; an empty list if none arrives in time.

        Raises SlowConsumer if too many entries wait, and CursorExpired if the next ones are no longer retained; both
        only after the earlier entries were taken.
        """
        if not self._waiting and self._error is None:
            self._stirred.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._stirred.wait()
            except TimeoutError:
                return []
        if not self._waiting and self._error is not None:
            raise self._error
        self._taken.set()
        return [self._waiting.popleft() for _ in range(min(max_entries, len(self._waiting)))]

    def offer(self, entries: Iterable[FeedEntry], end: FeedCursor) -> bool:
        """Add the matching entries; return False if there is no room, and then end the listener."""
        wanted = [
            each for each in entries if each.kind in self._kinds and (self._ids is None or each.entity_id in self._ids)
        ]
        if len(self._waiting) + len(wanted) > self._buffer:
            self.fail(SlowConsumer("the stream was read more slowly than data changed; start again from the cursor"))
            return False
        self._waiting.extend(wanted)
        self.position = end
        if wanted:
            self._stirred.set()
        return True

    def fail(self, error: BaseException) -> None:
        """End the listener after its waiting entries."""
        self._error = error
        self._stirred.set()

    def has_room(self, entries: int) -> bool:
        """Whether this number of entries fits, if all match; an empty buffer accepts any number."""
        return not self._waiting or len(self._waiting) + entries <= self._buffer


class OutboxPoller:
    """Polls the outbox while there are listeners, once for all of them, and offers each the entries it wants.

    Entries of restricted incidents are included: the listener must check the scope.
    """

    def __init__(
        self,
        main: Database,
        heartbeats: Heartbeats | None = None,
        *,
        every: float = POLL_SECONDS,
        page: int = PAGE_SIZE,
        buffer: int = MAX_BUFFERED_ENTRIES,
    ) -> None:
        self._main = main
        self._heartbeats = heartbeats or Heartbeats()
        self._every = every
        self._page = page
        self._buffer = buffer
        self._place: FeedCursor | None = None
        self._listeners: set[Listener] = set()
        self._taken = asyncio.Event()
        self._joining = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def subscribe(self, kinds: Collection[FeedKind], ids: Collection[str] | None) -> AsyncIterator[Listener]:
        """Yield a listener while the body runs. Raises SourceError if the database fails before polling has started."""
        async with self._joining:
            if self._task is None or self._place is None:
                self._place = await feed.fetch_end(self._main)
                self._task = asyncio.create_task(self._run(), name="tail of the outbox")
            listener = Listener(self._place, kinds, ids, self._buffer, self._taken)
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._leave([listener])

    def _leave(self, listeners: Sequence[Listener]) -> None:
        self._listeners.difference_update(listeners)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    def _is_replaced(self) -> bool:
        # A driver may convert a cancellation into an error of its own, and then the cancelled task continues: two tasks
        # would offer every entry twice.
        return self._task is not asyncio.current_task()

    async def _run(self) -> None:
        stop = asyncio.Event()

        def end(error: BaseException) -> None:
            self._end(error)
            stop.set()

        async def round() -> float:
            try:
                full = await self._poll()
            except CursorExpired as error:
                end(error)
                return 0.0
            if full:
                await self._wait_for_room()
            return 0.0 if full else self._every

        lost = Backoff(RETRY_SECONDS, RETRY_SECONDS)
        await supervise(
            self._heartbeats, "streams", round, stop, stuck_after_seconds=ROUND_TIMEOUT_SECONDS, lost=lost, on_fault=end
        )

    def _end(self, error: BaseException) -> None:
        # Every listener gets the error instead of waiting forever. The next one starts the poller again.
        for listener in self._listeners:
            listener.fail(error)
        self._listeners.clear()
        self._task = None

    async def _poll(self) -> bool:
        assert self._place is not None  # noqa: S101
        with use_request(RequestContext(deadline=asyncio.get_running_loop().time() + POLL_TIMEOUT_SECONDS)):
            rows = await feed.fetch_tail(self._main, self._place, self._page)
        if self._is_replaced():
            return False
        full = len(rows.entries) == self._page
        self._place = rows.entries[-1].place if full else max(self._place, rows.end)
        for listener in list(self._listeners):
            if not listener.offer(rows.entries, self._place):
                # It receives its waiting entries, then the error.
                self._listeners.discard(listener)
        return full

    async def _wait_for_room(self) -> None:
        # A listener that reads as fast as possible must not fail because a large import became visible at once.
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_BACKPRESSURE_SECONDS):
                while not all(each.has_room(self._page) for each in self._listeners):
                    self._taken.clear()
                    await self._taken.wait()
