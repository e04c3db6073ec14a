"""Trust in what Redis holds: for a second from each time that the database was asked what had been written."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any

from datasources.breaker import Breaker
from datasources.cache.redis import keys as at
from datasources.cache.write_log import WriteLog
from datasources.errors import SourceError
from datasources.request import RequestContext, current_request, use_request

# Seconds of trust. Its end is counted from before the database was asked, by Redis' clock.
VALIDITY_SECONDS = 1.0
# How much longer a writer waits for that end, by the database's clock: clocks do not run alike to the last millisecond.
MARGIN_FACTOR = 1.1
# Seconds that asking the database may take; seconds in which nobody asks again where it could not be asked.
RENEW_TIMEOUT_SECONDS, RETRY_PAUSE_SECONDS = 1.0, 0.25
# Milliseconds that a moment is known. After that everything is a miss, as the list of what was written since might be
# long; and the database may have forgotten it.
SNAPSHOT_TTL_MS = 60_000
# How often it is told again what somebody else told meanwhile.
MAX_ATTEMPTS = 3

_scripts = resources.files(__package__)
_LOOK = _scripts.joinpath("look.lua").read_text()
_CONFIRM = _scripts.joinpath("confirm.lua").read_text()
_DOUBT = _scripts.joinpath("doubt.lua").read_text()
# The name of each script, by its text.
SCRIPTS: dict[str | bytes | int, str] = {_LOOK: "look", _CONFIRM: "confirm", _DOUBT: "doubt"}

Ask = Callable[..., Awaitable[Any]]


class ValidityLease:
    """Whether the values in Redis may be believed, renewed by whoever finds that nobody vouches for them.

    To renew it is five steps: look at Redis' clock and at the moment up to which everything is told; note in the
    database until when values may be trusted; ask it which tables were written to since that moment; give these new
    generations; let trust begin, which ends a second after the look. The last two are one script, which does nothing if
    another process told the moment meanwhile.

    So whoever commits a write while he can't reach Redis finds in the database until when his write may be unknown:
    who asked before the commit had noted that before, and who asks later is told of the write.
    """

    def __init__(self, witness: WriteLog, ask: Ask, seconds: float = VALIDITY_SECONDS) -> None:
        self._witness = witness
        self._ask = ask
        self._seconds = seconds
        self._breaker = Breaker(1, RETRY_PAUSE_SECONDS)
        self._renewing = asyncio.Lock()
        self._renewals = 0

    async def renew(self) -> bool:
        """Whether values are trusted now. One at a time asks, for all who wait; what it spends is nobody's request."""
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
        """Return once nobody trusts any more what he may know without knowing of a write of these tables, which is
        committed. Also where the database can't be reached any more."""
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
        """End it for everybody; whether Redis was reached."""
        return (
            await self._ask("EVAL", _DOUBT, 2, at.VALIDITY_KEY, at.SNAPSHOT_KEY, at.new_epoch(), hurried=False)
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
        """None if another process came in between."""
        look = await self._ask("EVAL", _LOOK, 2, at.VALIDITY_KEY, at.SNAPSHOT_KEY)
        if look is None:
            return False
        now, text, trusted = look
        if trusted:
            return True
        epoch, _, known = text.decode().partition(" ")
        await self._witness.record_lease(self._seconds * MARGIN_FACTOR)
        written = await self._witness.read_writes(known.split(" ")[0] or None)
        if not known or written.tables is None:
            epoch = at.new_epoch()
        tables = sorted(written.tables or ())
        done = await self._ask(
            "EVAL", _CONFIRM, 2 + len(tables), at.VALIDITY_KEY, at.SNAPSHOT_KEY, *map(at.generation_key, tables),
            text, f"{epoch} {written.snapshot}", epoch, now + round(self._seconds * 1_000), SNAPSHOT_TTL_MS,
            *(at.next_generation() for _ in tables),
        )  # fmt: skip
        if done is None:
            return False
        return True if done else None
