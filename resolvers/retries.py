"""Repeats a transaction that conflicts with a concurrent one."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from datasources.errors import SourceError

T = TypeVar("T")

# Deadlocks are rare and short; more conflicts in a row indicate a wrong order of row locks.
MAX_ATTEMPTS = 5
MAX_FIRST_PAUSE_SECONDS = 0.02


async def retry(attempt: Callable[[], Awaitable[T]], *conflicts: type[SourceError]) -> T:
    """Return the result of `attempt`, repeated up to five times in all while it raises one of `conflicts`.

    The pauses are random, up to a bound that doubles each time. The last conflict is raised.
    """
    for number in range(MAX_ATTEMPTS - 1):
        try:
            return await attempt()
        except conflicts:
            await asyncio.sleep(random.uniform(0, MAX_FIRST_PAUSE_SECONDS * 2**number))  # noqa: S311
    return await attempt()
