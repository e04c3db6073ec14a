"""The validity of cached values: one second from each time that the database was asked what had been written."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any

from datasources.breaker import Breaker
from datasources.cache.redis import keys as redis_keys
from datasources.cache.write_log import WriteLog
from datasources.errors import SourceError
from datasources.request import RequestContext, current_request, use_request

# Seconds of validity, counted from before the database was asked, by Redis' clock.
VALIDITY_SECONDS = 1.0
# A writer waits longer than the validity by this factor, by the database's clock, since clocks differ slightly.
MARGIN_FACTOR = 1.1
# Seconds that a renewal may take.
RENEW_TIMEOUT_SECONDS = 1.0
# Seconds after a failed attempt in which no other attempt is made.
RETRY_PAUSE_SECONDS = 0.25
# Milliseconds that a snapshot is stored. After that everything is a miss, since the list of later writes might be
# long, and the database may have deleted it.
SNAPSHOT_TTL_MS = 60_000
# How often a renewal is tried when other processes renew at the same time.
MAX_ATTEMPTS = 3

_scripts = resources.files(__package__)
_LOOK = _scripts.joinpath("look.lua").read_text()
_CONFIRM = _scripts.joinpath("confirm.lua").read_text()
_DOUBT = _scripts.joinpath("doubt.lua").read_text()
# The name of each script, by its text.
SCRIPTS: dict[str | bytes | int, str] = {_LOOK: "look", _CONFIRM: "confirm", _DOUBT: "doubt"}

Ask = Callable[..., Awaitable[Any]]


class ValidityLease:
    """A one-second validity lease on cached values; the first reader that finds it expired renews it.

    A renewal has five steps: read Redis' clock and the snapshot up to which all writes are known; record in the
    database until when values may be trusted; ask it which tables were written since that snapshot; give these tables
    new generations; begin the validity, which ends one second after the first step. The last two are one script,
    which does nothing if another process changed the snapshot meanwhile.

    A writer that cannot reach Redis therefore finds in the database until when its write may be unknown: a reader
    that asked before the commit had recorded it, and a later reader learns of the write.
    """

    def __init__(self, witness: WriteLog, ask: Ask, seconds: float = VALIDITY_SECONDS) -> None:
        self._witness = witness
        self._ask = ask
        self._seconds = seconds
        self._breaker = Breaker(1, RETRY_PAUSE_SECONDS)
        self._renewing = asyncio.Lock()
        self._renewals = 0

    async def renew(self) -> bool:
        """Return whether values are valid now. One task renews for all; its cost is charged to no request."""
        before = self._renewals
        async with self._renewing:
            if self._renewals != before:
                return True
            if not self._breaker.try_acquire():
                return False
            try:
                done = await self._renew_within_deadline()
            except (SourceError, TimeoutError):
                self._breaker.record_failure()
                return False
            except asyncio.CancelledError:
                self._breaker.release()
                raise
            self._breaker.record_success()
            self._renewals += done
            return done

    async def wait_for_expiry(self, tables: Sequence[str]) -> None:
        """Return when no reader trusts values from before a committed write of these tables any more.

        This also holds if the database is unavailable.
        """
        seconds = self._seconds * MARGIN_FACTOR
        end = asyncio.get_running_loop().time() + seconds
        try:
            with use_request(RequestContext(current_request().request_id)):
                async with asyncio.timeout(seconds):
                    left = await self._witness.record_writes(tables)
        except (SourceError, TimeoutError):
            left = end - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    async def expire(self) -> bool:
        """End the validity for all processes; return whether Redis was reached."""
        return (
            await self._ask(
                "EVAL",
                _DOUBT,
                2,
                redis_keys.VALIDITY_KEY,
                redis_keys.SNAPSHOT_KEY,
                redis_keys.new_epoch(),
                hurried=False,
            )
            is not None
        )

    async def _renew_within_deadline(self) -> bool:
        call = current_request()
        end = asyncio.get_running_loop().time() + RENEW_TIMEOUT_SECONDS
        end = end if call.deadline is None else min(end, call.deadline)
        with use_request(RequestContext(request_id=call.request_id, deadline=end)):
            async with asyncio.timeout_at(end):
                for _ in range(MAX_ATTEMPTS):
                    done = await self._try_renew()
                    if done is not None:
                        return done
        return False

    async def _try_renew(self) -> bool | None:
        """Try a renewal; return None if another process renewed at the same time."""
        state = await self._ask("EVAL", _LOOK, 2, redis_keys.VALIDITY_KEY, redis_keys.SNAPSHOT_KEY)
        if state is None:
            return False
        now, text, trusted = state
        if trusted:
            return True
        epoch, _, known = text.decode().partition(" ")
        await self._witness.record_lease(self._seconds * MARGIN_FACTOR)
        written = await self._witness.read_writes(known.split(" ")[0] or None)
        if not known or written.tables is None:
            epoch = redis_keys.new_epoch()
        tables = sorted(written.tables or ())
        done = await self._ask(
            "EVAL", _CONFIRM, 2 + len(tables), redis_keys.VALIDITY_KEY, redis_keys.SNAPSHOT_KEY,
            *map(redis_keys.generation_key, tables),
            text, f"{epoch} {written.snapshot}", epoch, now + round(self._seconds * 1_000), SNAPSHOT_TTL_MS,
            *(redis_keys.next_generation() for _ in tables),
        )  # fmt: skip
        if done is None:
            return False
        return True if done else None
