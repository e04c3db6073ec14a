"""Threads for compiling and evaluating expressions, so that the event loop is not blocked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Python runs one thread at a time and switches every 5 ms, so more threads would only slow down the event loop. A
# queued call is cancelled together with its caller; a running one ends at the bounds of its work.
_THREADS = ThreadPoolExecutor(2, "expressions")


async def run_in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function in a thread and return its value. It must not share data that changes meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: function(*args, **kwargs))
