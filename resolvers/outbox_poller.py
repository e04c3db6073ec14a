"""The one reader of the outbox for all who listen in this process."""

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

# Seconds between two looks at the outbox while somebody listens; after one that failed; and that one may take. LISTEN
# would need a session of its own, which RDS Proxy does not give.
POLL_SECONDS, RETRY_SECONDS, POLL_TIMEOUT_SECONDS = 0.2, 1.0, 10.0
# Seconds that a look may take with what it waits for afterwards.
ROUND_TIMEOUT_SECONDS = 60.0
# Entries of one look, and of those that may wait for one listener.
PAGE_SIZE, MAX_BUFFERED_ENTRIES = 1_000, 5_000
# Seconds that the next page of many is held back for listeners who have no room for it.
MAX_BACKPRESSURE_SECONDS = 1.0


class Listener:
    """What waits for one who listens: what changed behind `begin`, of some kinds and perhaps of some ids only.

    `buffer` bounds how much may wait; `taken` is set whenever something was taken.
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
        # Everything up to here has been looked at; what of it is wanted and was not taken yet waits.
        self.position = begin
        self._kinds = frozenset(kinds)
        self._ids = None if ids is None else frozenset(ids)
        self._buffer = buffer
        self._waiting: deque[FeedEntry] = deque()
        self._error: BaseException | None = None
        self._stirred = asyncio.Event()
        self._taken = taken

    async def next_entries(self, max_entries: int, seconds: float) -> list[FeedEntry]:
        """What waits, in order; nothing after so many seconds of silence.

        StreamBehind once more waits than may, and Trimmed once what is to come is no longer kept; both when what came
        before was taken.
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
        """Let it have what it wants of these; false if there is no room, and then it gets nothing any more."""
        wanted = [
            each for each in entries if each.kind in self._kinds and (self._ids is None or each.entity_id in self._ids)
        ]
        if len(self._waiting) + len(wanted) > self._buffer:
            self.fail(SlowConsumer("more changed than was read of this stream; begin again from the cursor"))
            return False
        self._waiting.extend(wanted)
        self.position = end
        if wanted:
            self._stirred.set()
        return True

    def fail(self, error: BaseException) -> None:
        """End it, after what waits."""
        self._error = error
        self._stirred.set()

    def has_room(self, entries: int) -> bool:
        """Whether so many would fit, if all were wanted; an empty one takes whatever it can."""
        return not self._waiting or len(self._waiting) + entries <= self._buffer


class OutboxPoller:
    """Looks at the outbox while somebody listens, once for all of them, and gives each what it wants.

    What it passes on are restricted incidents too: who listens must look at the scope.
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
        """A listener for as long as the body runs. SourceError if the database is lost and nobody listened before."""
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
        # A driver may answer a cancelling by an error of its own, and then the task that was to end goes on: two would
        # tell everything twice.
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
        # Nobody is left waiting for what does not come. Who listens next begins anew.
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
                # It takes what waits for it, and then the error.
                self._listeners.discard(listener)
        return full

    async def _wait_for_room(self) -> None:
        # Who reads as fast as things are sent is not to fall behind because a whole import became visible at once.
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_BACKPRESSURE_SECONDS):
                while not all(each.has_room(self._page) for each in self._listeners):
                    self._taken.clear()
                    await self._taken.wait()
