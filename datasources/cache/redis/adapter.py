"""The cache port on Redis: versioned values, leases, validity that the database renews, and a circuit breaker."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from datasources.breaker import Breaker
from datasources.cache.port import CachedValues
from datasources.cache.redis import keys as redis_keys
from datasources.cache.redis.connection import ConnectionLiveness, create_client, describe_error, span_attributes
from datasources.cache.redis.validity import SCRIPTS, VALIDITY_SECONDS, ValidityLease
from datasources.cache.write_log import WriteLog
from datasources.config import CacheSettings
from datasources.credentials.cached import CredentialCache
from datasources.health import Health
from datasources.observability.spans import CLIENT, record_span
from datasources.request import RequestContext, current_request, use_request

MIN_POLL_SECONDS = 0.005
MAX_POLL_SECONDS = 0.05
JITTER_FRACTION = 0.1

_scripts = resources.files(__package__)
_LEASE = _scripts.joinpath("lease.lua").read_text()
_FILL = _scripts.joinpath("fill.lua").read_text()
# The names of scripts in spans, since their text is too long.
_SCRIPTS: dict[str | bytes | int, str] = {_LEASE: "lease", _FILL: "fill", **SCRIPTS}
_DEFAULTS = CacheSettings(url=None)


class RedisCache:
    """The cache port on one Redis or Valkey primary: commands touch several keys, so no sharded cluster.

    All times are in seconds. Scripts are sent by EVAL: their text is under 2 KB and the server caches the compiled
    form, so the number of round trips does not depend on earlier calls.

    Cached values are valid for `validity_seconds` from when the write log was read. Without a write log this process
    never reads it, for example if it only checks the health of Redis.
    """

    enabled = True

    def __init__(
        self,
        url: str,
        *,
        write_log: WriteLog | None = None,
        ca_file: str | None = None,
        timeout: float = _DEFAULTS.timeout,
        lease: float = _DEFAULTS.lease,
        breaker_after: int = 3,
        breaker_pause: float = 5.0,
        validity_seconds: float = VALIDITY_SECONDS,
        credentials: CredentialCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._lease = lease
        self.breaker = Breaker(breaker_after, breaker_pause)
        self._credentials = credentials
        self._trusted_connections = ConnectionLiveness(clock)
        self._address = span_attributes(url)
        self._redis = create_client(url, ca_file, timeout, credentials, self._trusted_connections)
        self._trust = None if write_log is None else ValidityLease(write_log, self._ask, validity_seconds)

    async def get_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> CachedValues:
        """Read the validity, the generations and the values by one MGET, or nothing without keys. Renew an expired
        validity first."""
        tables = redis_keys.sort_tables(depends_on)
        unknown: list[bytes | None] = [None] * len(tables)
        if not keys:
            return CachedValues({}, redis_keys.encode_stamp(None, tables, unknown))
        reply = await self._read_valid(
            redis_keys.VALIDITY_KEY, *map(redis_keys.generation_key, tables), *map(redis_keys.value_key, keys)
        )
        if reply is None:
            return CachedValues({}, redis_keys.encode_stamp(None, tables, unknown))
        trust, generations, stored = reply[0], reply[1 : len(tables) + 1], reply[len(tables) + 1 :]
        values = _fresh(keys, stored, redis_keys.compute_view(trust, tables, generations))
        usage = current_request().usage
        usage.hits += len(values)
        usage.misses += len(set(keys)) - len(values)
        return CachedValues(values, redis_keys.encode_stamp(trust, tables, generations))

    async def lease_many(self, keys: Sequence[str], stamp: bytes) -> Mapping[str, str]:
        """Run one script. If a table changed since `stamp`, keys are granted without a lease; no load is stored."""
        distinct = list(dict.fromkeys(keys))
        if not distinct:
            return {}
        epoch, tables, generations = redis_keys.decode_stamp(stamp)
        secret = secrets.token_hex(8)
        names = self._names(tables, distinct)
        reply = await self._ask(
            "EVAL", _LEASE, len(names), *names,
            len(tables), redis_keys.initial_generation(), secret, max(1, round(self._lease * 1_000)),
            redis_keys.FORMAT_VERSION, epoch,
            *tables, *generations,
        )  # fmt: skip
        if reply is None or not reply[0]:
            return dict.fromkeys(distinct, "")
        token = reply[0].decode() + secret
        return {distinct[number - 1]: token for number in reply[1:]}

    async def wait_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> Mapping[str, bytes]:
        """Poll with pauses of 5 to 50 ms. A key whose lease ended without a value is not waited for."""
        tables = redis_keys.sort_tables(depends_on)
        pending = list(dict.fromkeys(keys))
        loaded: dict[str, bytes] = {}
        clock = asyncio.get_running_loop().time
        end, pause = clock() + self._lease, MIN_POLL_SECONDS
        while pending:
            names = (
                *map(redis_keys.generation_key, tables),
                *map(redis_keys.value_key, pending),
                *map(redis_keys.lease_key, pending),
            )
            reply = await self._read_valid(redis_keys.VALIDITY_KEY, *names)
            if reply is None:
                break
            values, leases = reply[len(tables) + 1 : -len(pending)], reply[-len(pending) :]
            view = redis_keys.compute_view(reply[0], tables, reply[1 : len(tables) + 1])
            loaded |= _fresh(pending, values, view)
            pending = [
                key
                for key, lease in zip(pending, leases, strict=True)
                if key not in loaded and view is not None and lease is not None and lease.startswith(view)
            ]
            remaining = current_request().remaining()
            if not pending or clock() + pause > end or (remaining is not None and remaining <= pause):
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_POLL_SECONDS)
        return loaded

    async def fill(self, values: Mapping[str, bytes], tokens: Mapping[str, str], stamp: bytes, seconds: float) -> None:
        """Run one script. A leased key without a value releases its lease, so that others stop waiting."""
        leased = [key for key, token in tokens.items() if token]
        if not leased:
            return
        _, tables, _ = redis_keys.decode_stamp(stamp)
        names = self._names(tables, leased)
        triples: list[str | bytes | int] = []
        for key in leased:
            triples += [tokens[key], values.get(key, b""), _milliseconds(seconds) if key in values else 0]
        await self._ask("EVAL", _FILL, len(names), *names, len(tables), redis_keys.FORMAT_VERSION, *tables, *triples)

    async def invalidate(self, tables: Sequence[str]) -> None:
        """Write new generations by one MSET. It ignores the deadline, because the write is already committed."""
        if not tables:
            return
        pairs = [
            text
            for table in dict.fromkeys(tables)
            for text in (redis_keys.generation_key(table), redis_keys.next_generation())
        ]
        if await self._ask("MSET", *pairs, hurried=False) is None and self._trust is not None:
            await self._trust.wait_for_expiry(tables)

    async def expire_all(self) -> None:
        """End the validity for all processes by one script. It ignores the deadline as well."""
        if self._trust is not None and not await self._trust.expire():
            await self._trust.wait_for_expiry(())

    async def health(self) -> Health:
        """Send one INFO, bypassing the circuit breaker, and report whether the breaker is closed."""
        details = {"breaker": "closed" if self.breaker.is_closed else "open"}
        begin = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._send("INFO", "server")
        except (RedisError, OSError) as error:
            variable = "REDIS_URL" if self._credentials is None else "REDIS_SECRET"
            return Health("cache", reachable=False, problem=describe_error(error, self._url, variable), details=details)
        latency = (time.perf_counter() - begin) * 1_000
        version = str(reply.get("valkey_version") or reply.get("redis_version", ""))
        return Health("cache", reachable=True, version=version, latency_ms=latency, details=details)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _read_valid(self, *names: str) -> Any:
        """Return the values of these names, the validity first. If it has expired, renew it and read once more."""
        reply = await self._ask("MGET", *names)
        if reply is None or reply[0] is not None or self._trust is None or not await self._trust.renew():
            return reply
        # Counted as part of the renewal: the cost of a request must not depend on when it arrives.
        call = current_request()
        with use_request(RequestContext(call.request_id, call.deadline)):
            return await self._ask("MGET", *names)

    async def _ask(self, *command: str | bytes | int, hurried: bool = True) -> Any:
        """Return the reply to a command; None if Redis is unavailable, which is never an error."""
        remaining = current_request().remaining() if hurried else None
        if (remaining is not None and remaining <= 0) or not self.breaker.try_acquire():
            return None
        seconds = self._timeout if remaining is None else min(self._timeout, remaining)
        try:
            async with asyncio.timeout(seconds):
                reply = await self._send(*command)
        except (RedisError, OSError) as error:
            # A timeout caused by the request's own deadline says nothing about Redis.
            if seconds < self._timeout and isinstance(error, TimeoutError | RedisTimeout):
                self.breaker.release()
            else:
                self.breaker.record_failure()
                self._trusted_connections.invalidate_all()
            return None
        except asyncio.CancelledError:
            self.breaker.release()
            raise
        self.breaker.record_success()
        return reply

    async def _send(self, *command: str | bytes | int) -> Any:
        current_request().usage.cache += 1
        name = str(command[0])
        script = _SCRIPTS.get(command[1]) if name == "EVAL" else None
        with record_span(f"{name} {script}" if script else name, CLIENT, self._address) as span:
            span.set_attribute("db.operation.name", name)
            if script:
                span.set_attribute("db.stored_procedure.name", script)
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    @staticmethod
    def _names(tables: Sequence[str], keys: Sequence[str]) -> list[str]:
        pairs = [name for key in keys for name in (redis_keys.lease_key(key), redis_keys.value_key(key))]
        return [redis_keys.SNAPSHOT_KEY, *map(redis_keys.generation_key, tables), *pairs]


def _fresh(keys: Sequence[str], stored: Sequence[bytes | None], view: bytes | None) -> dict[str, bytes]:
    if view is None:
        return {}
    head = redis_keys.FORMAT_VERSION + view
    return {
        key: value[len(head) :]
        for key, value in zip(keys, stored, strict=True)
        if value is not None and value.startswith(head)
    }


def _milliseconds(seconds: float) -> int:
    # Values that are filled together must not expire together.
    return max(1, round(seconds * 1_000 * random.uniform(1 - JITTER_FRACTION, 1 + JITTER_FRACTION)))  # noqa: S311
