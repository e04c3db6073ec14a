"""Credentials that are fetched once, cached while they are valid, and fetched again after a server refuses them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from datasources.errors import SourceUnavailable

# Minimum seconds between fetches after a refusal or a failure: a wrong secret must not cause a flood of calls.
MIN_FETCH_INTERVAL_SECONDS = 5.0


class CredentialsUnavailable(Exception):
    """Credentials are not available. The message is one line that names the variable and contains no secret."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name, None for that of the URL, and a password that the repr hides."""

    user: str | None
    password: str = field(repr=False)


class CredentialCache:
    """Caches the result of `fetch`, which blocks and runs in a thread; it raises only CredentialsUnavailable.

    `seconds` is how long a credential is valid; None means until it is refused. `clock` is a wall clock, since a
    monotonic one may stand still while Lambda freezes the machine.
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
        self._credential: Credential | None = None
        self._fetched_at: float | None = None
        # When a refusal or a failure last led to a fetch.
        self._retried_at: float | None = None
        self._fetch_task: asyncio.Task[None] | None = None
        # Why the last fetch failed; empty if it did not.
        self.problem = ""

    async def current(self) -> Credential:
        """Return the cached credential or a new one. Raise SourceUnavailable, naming the variable, if there is none."""
        if self._credential is None or self._is_old():
            if not self.problem or self._may_ask():
                await self._renew()
                if self.problem:
                    self._retried_at = self._clock()
            if self._credential is None:
                raise SourceUnavailable(self._source, self.problem)
        return self._credential

    async def refresh_after_rejection(self, refused: Credential) -> Credential | None:
        """Return another credential than the refused one, fetched if necessary; None if there is no other."""
        # Another task may have fetched one while this one was being refused.
        if self._credential == refused and self._may_ask():
            self._retried_at = self._clock()
            await self._renew()
        return None if self._credential == refused else self._credential

    def _is_old(self) -> bool:
        return (
            self._seconds is not None
            and self._fetched_at is not None
            and self._clock() - self._fetched_at >= self._seconds
        )

    def _may_ask(self) -> bool:
        # A clock that was set back must not prevent fetching.
        return self._retried_at is None or not 0 <= self._clock() - self._retried_at < MIN_FETCH_INTERVAL_SECONDS

    async def _renew(self) -> None:
        if self._fetch_task is None or self._fetch_task.done():
            self._fetch_task = asyncio.create_task(self._fetch_in_thread())
        # The caller may be cancelled by its deadline; the fetch continues for the next one.
        await asyncio.shield(self._fetch_task)

    async def _fetch_in_thread(self) -> None:
        try:
            self._credential, self.problem = await asyncio.to_thread(self._fetch), ""
            self._fetched_at = self._clock()
        except CredentialsUnavailable as error:
            self.problem = str(error)
            if self._is_old():
                self._credential = None
