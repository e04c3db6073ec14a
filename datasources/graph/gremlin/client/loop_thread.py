"""The thread of the web sockets, with its own event loop, because callers' event loops may end earlier."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from datasources.errors import SourceUnavailable
from datasources.graph.gremlin.client.errors import GRAPH

T = TypeVar("T")

# Threads for name resolution and credentials.
MAX_BLOCKING_THREADS = 4
CLOSE_LOOP_ROUNDS = 3


class LoopThread:
    """A daemon thread that starts with the first work and ends with `close`. Thread-safe."""

    def __init__(self, on_close: Callable[[], Awaitable[None]]) -> None:
        self._on_close = on_close
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._works: set[asyncio.Task[Any]] = set()
        # For blocking calls. Its threads start on demand; closing does not wait for a slow name service.
        self.blocking = ThreadPoolExecutor(MAX_BLOCKING_THREADS, thread_name_prefix="graph-names")

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in the thread and return its result. Cancelling the caller cancels the work.

        Raises SourceUnavailable after `close`.
        """
        future = self._submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise _closed() from None
            raise

    def call_soon(self, work: Callable[[], None]) -> None:
        """Schedule `work` in the thread; does nothing after `close`."""
        with self._lock:
            if not self._closed:
                self._ensure_started().call_soon_threadsafe(work)

    async def close(self) -> None:
        """Cancel the running work, call `on_close` and end the thread. A second call does nothing."""
        with self._lock:
            self._closed = True
            thread, loop = self._thread, self._loop
            self._thread = self._loop = None
        self.blocking.shutdown(wait=False, cancel_futures=True)
        if thread is None or loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._shut_down(), loop)
        await asyncio.to_thread(thread.join)

    def _submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> "Future[T]":
        with self._lock:
            if self._closed:
                raise _closed()
            return asyncio.run_coroutine_threadsafe(self._track(work), self._ensure_started())

    async def _track(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._works.add(task)
        try:
            return await work()
        finally:
            self._works.discard(task)

    def _ensure_started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._main, args=(self._loop,), name="graph", daemon=True)
            self._thread.start()
        return self._loop

    async def _shut_down(self) -> None:
        await _cancel(set(self._works))
        await self._on_close()
        await _cancel(asyncio.all_tasks() - {asyncio.current_task()})
        # Aborted connections report their end in the next iterations of the loop.
        for _ in range(CLOSE_LOOP_ROUNDS):
            await asyncio.sleep(0)
        asyncio.get_running_loop().stop()

    @staticmethod
    def _main(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()


async def _cancel(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    ending = [task for task in tasks if task is not None]
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def _closed() -> SourceUnavailable:
    return SourceUnavailable(GRAPH, "the graph's client is closed")
