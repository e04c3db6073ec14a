"""Credentials that are fetched once, kept while they serve, and fetched again once a server refuses them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from datasources.errors import SourceUnavailable

# Seconds between two fetches that a refusal or a failure asks for: a wrong secret must not become a storm of calls.
MIN_FETCH_INTERVAL_SECONDS = 5.0


class CredentialsUnavailable(Exception):
    """Credentials cannot be had. The message is one line that names the variable and holds no secret."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A name, None for that of the URL, and a password that no repr shows."""

    user: str | None
    password: str = field(repr=False)


class CredentialCache:
    """What `fetch` gives, which blocks and runs in a thread; it raises CredentialFault and nothing else.

    `seconds` is how long one serves; None for until it is refused. `clock` is a wall clock, as a monotonic one may
    stand still while Lambda freezes the machine.
    """

    def __init__(
        self,
        source: str,
        fetch: Callable[[], Credential],
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._fetch = fetch
        self._seconds = seconds
        self._clock = clock
        self._kept: Credential | None = None
        self._since: float | None = None
        # When a refusal or a failure last led to a fetch.
        self._again: float | None = None
        self._running: asyncio.Task[None] | None = None
        # Why the last fetch failed; empty if it did not.
        self.problem = ""

    async def current(self) -> Credential:
        """The kept one, or a new one. SourceUnavailable, with the variable's name, if there is none."""
        if self._kept is None or self._is_old():
            if not self.problem or self._may_ask():
                await self._renew()
                if self.problem:
                    self._again = self._clock()
            if self._kept is None:
                raise SourceUnavailable(self._source, self.problem)
        return self._kept

    async def refresh_after_rejection(self, refused: Credential) -> Credential | None:
        """Another one than what a server has just refused, fetched if need be; None if there is no other now."""
        # Somebody else may have fetched while this one was being refused.
        if self._kept == refused and self._may_ask():
            self._again = self._clock()
            await self._renew()
        return None if self._kept == refused else self._kept

    def _is_old(self) -> bool:
        return self._seconds is not None and self._since is not None and self._clock() - self._since >= self._seconds

    def _may_ask(self) -> bool:
        # A clock that was set back must not forbid asking.
        return self._again is None or not 0 <= self._clock() - self._again < MIN_FETCH_INTERVAL_SECONDS

    async def _renew(self) -> None:
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._fetched())
        # Whoever waits may have little time; what is on its way still serves the next.
        await asyncio.shield(self._running)

    async def _fetched(self) -> None:
        try:
            self._kept, self.problem = await asyncio.to_thread(self._fetch), ""
            self._since = self._clock()
        except CredentialsUnavailable as error:
            self.problem = str(error)
            if self._is_old():
                self._kept = None
