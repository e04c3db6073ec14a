"""Threads for what compiles and evaluates expressions, so that the event loop goes on meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Python runs one thread at a time and changes every 5 ms, so more threads would only slow the loop down. What waits is
# given up together with whoever waits for it; what runs ends at the bounds of its work.
_THREADS = ThreadPoolExecutor(2, "expressions")


async def run_in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The value of a function that is called in a thread. It must share nothing that changes meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: function(*args, **kwargs))
