"""One PostgreSQL database with a connection pool. It returns records and raises all failures as source errors."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cached_property
from typing import Any, Literal, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor, AsyncTransaction, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from datasources.aurora.driver import bounded_rows, column_values
from datasources.aurora.driver.explanation import record_statement
from datasources.aurora.driver.failures import to_source_error
from datasources.aurora.driver.fair_queue import FairQueue, QueueFull
from datasources.aurora.driver.iam_connection import CANCEL_GRACE_SECONDS, CredentialConnection
from datasources.aurora.driver.liveness import Liveness
from datasources.aurora.driver.row_factory import record_row
from datasources.aurora.driver.session import configure_session
from datasources.aurora.driver.span_attributes import span_attributes
from datasources.aurora.driver.text_array import TextListDumper
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement
from datasources.config import PostgresSettings
from datasources.credentials.cached import CredentialCache
from datasources.errors import (
    SourceInvalidValue,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from datasources.health import Health
from datasources.observability.spans import CLIENT, INTERNAL, record_span
from datasources.request import current_request

R = TypeVar("R")

# Seconds to wait for a connection after connecting has failed for a second. The pool keeps trying in the
# background, so the first statement after the server is back may still fail, but none waits long until then.
LOST_POOL_WAIT_SECONDS = 0.25

# Seconds to wait for connections in progress when the pool is closed.
CLOSE_SECONDS = 1.0

# Minimum seconds of waiting for a connection that get a span.
MIN_SPAN_SECONDS = 0.001

# For a peer that disappears during a statement: the kernel notices within seconds instead of two hours.
# Milliseconds, seconds, seconds and a count.
TCP_KEEPALIVE = {"tcp_user_timeout": 10_000, "keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3}

_DEFAULTS = PostgresSettings(url="")


class Database:
    """A pool of at most 10 connections, opened by the first statement and shared fairly by flows of work.

    No session state and, unless `prepare`, no server-side prepared statements, so it is safe behind RDS Proxy.
    Each statement carries the request id as a comment. Times are in seconds.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        pool_max: int = _DEFAULTS.pool_max,
        connect_timeout: float = _DEFAULTS.connect_timeout,
        pool_timeout: float = _DEFAULTS.pool_timeout,
        statement_timeout: float = _DEFAULTS.statement_timeout,
        prepare: bool = _DEFAULTS.prepare,
        credentials: CredentialCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._url = url
        self._prepare = prepare
        self._statement_timeout = statement_timeout
        self._pool_timeout = pool_timeout
        self._opening = asyncio.Lock()
        self._opened = False
        self._lost = False
        self._credentials = credentials
        self._liveness = Liveness(clock)
        self._turns = FairQueue(pool_max)
        self._pool: AsyncConnectionPool[CredentialConnection] = AsyncConnectionPool(
            url,
            connection_class=CredentialConnection,
            kwargs={name: value for name, value in TCP_KEEPALIVE.items() if f"{name}=" not in url}
            | {
                "autocommit": True,
                "prepare_threshold": 5 if prepare else None,
                "connect_timeout": max(2, round(connect_timeout)),
                "credentials": credentials,
            },
            configure=self._configure,
            reconnect_failed=self._reconnect_failed,
            min_size=0,
            max_size=pool_max,
            timeout=pool_timeout,
            reconnect_timeout=1.0,
            open=False,
            name=name,
        )

    async def fetch(
        self,
        statement: Statement,
        parameters: Mapping[str, object],
        record: Callable[..., R],
        counter: Literal["sql", "graph"] = "sql",
    ) -> list[R]:
        """Return rows as records: `record` is called with the columns that have the names of its parameters.

        `counter` is the usage that the call counts as: a statement, or a traversal when the graph is walked in SQL.
        """
        async with self.connection() as connection:
            rows = await self._run(connection, statement, parameters, record, counter)
        current_request().usage.rows += len(rows)
        return rows

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction at READ COMMITTED, committed at the end of the body, rolled back by any exception.

        Raises SourceConflict after a deadlock and SourceDuplicate if a unique key is taken; neither leaves changes.
        After SourceUnavailable during the commit the result is unknown: repeat with an idempotency key. The whole
        transaction, BEGIN and COMMIT included, ends within a second of the request's deadline.
        """
        async with self.connection() as connection:
            block = AsyncTransaction(connection)

            async def end(kind: Any, error: Any, trace: Any) -> None:
                if error is None:
                    async with self._deadline():
                        await block.__aexit__(None, None, None)
                    return
                # The deadline may be over. If the server does not answer, it rolls back when the connection closes.
                with suppress(TimeoutError):
                    async with asyncio.timeout(CANCEL_GRACE_SECONDS):
                        await block.__aexit__(kind, error, trace)

            async with AsyncExitStack() as stack:
                async with self._deadline():
                    await block.__aenter__()
                stack.push_async_exit(end)
                yield Transaction(connection, self._run_in)

    async def _run_in(
        self,
        connection: AsyncConnection[Any],
        statement: Statement,
        parameters: Mapping[str, object],
        record: Callable[..., Any] | None,
    ) -> list[Any]:
        return await self._run(connection, statement, parameters, record, "sql")

    async def _run(
        self,
        connection: AsyncConnection[Any],
        statement: Statement,
        parameters: Mapping[str, object],
        record: Callable[..., R] | None,
        counter: Literal["sql", "graph"],
    ) -> list[R]:
        call = current_request()
        if counter == "graph":
            call.usage.graph += 1
        else:
            call.usage.sql += 1
        row_factory = args_row(_nothing) if record is None else record_row(statement.name, record)
        cursor: AsyncCursor[R] = connection.cursor(row_factory=row_factory)
        text = (
            statement.text if self._prepare else f"/* {statement.name} {_comment(call.request_id)} */ {statement.text}"
        )
        with record_span(statement.name, CLIENT, self._address) as span:
            span.set_attribute("db.query.summary", statement.name)
            begin = time.perf_counter()
            async with self._deadline():
                try:
                    if record is not None and call.row_bytes is not None and bounded_rows.can_be_large(statement.text):
                        rows = await bounded_rows.fetch(cursor, text.encode(), parameters, call, self.name)
                    else:
                        await cursor.execute(text.encode(), parameters)
                        rows = await cursor.fetchall() if cursor.description is not None else []
                except (ValueError, OverflowError) as error:
                    # The driver could not encode a value, for example half of a surrogate pair.
                    raise SourceInvalidValue(self.name, f"{self.name} has no form for a value") from error
            span.set_attribute("db.response.returned_rows", len(rows))
        if call.explanation is not None:
            seconds = time.perf_counter() - begin
            async with self._deadline():
                await record_statement(call.explanation, connection, statement, parameters, len(rows), seconds)
        return rows

    @cached_property
    def _address(self) -> Mapping[str, str | int]:
        return span_attributes(self.name, self._url)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A pooled connection in autocommit, with driver errors converted to source errors.

        For callers that need a transaction or COPY; it counts no statement. The body has no deadline except its own.
        A connection that is left within a transaction or a statement is closed.
        """
        try:
            await self._open()
            async with self._turn() as end:
                with record_span("wait for a connection", INTERNAL, at_least=MIN_SPAN_SECONDS) as span:
                    span.set_attribute("db.client.connection.pool.name", self.name)
                    connection = await self._acquire_connection(end)
                try:
                    yield connection
                finally:
                    await self._release_connection(connection)
        except (PoolTimeout, QueueFull) as error:
            if current_request().remaining() == 0:
                raise SourceTimeout(self.name, f"no connection to {self.name} before the deadline") from error
            if self._credentials is not None and self._credentials.problem:
                raise SourceUnavailable(self.name, self._credentials.problem) from None
            raise SourceUnavailable(self.name, f"no connection to {self.name} within the pool wait") from error
        except psycopg.Error as error:
            raise to_source_error(self.name, error) from error

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[float]:
        """Take a turn at the pool; yield until when to wait for a connection, by the clock of the event loop."""
        call, clock = current_request(), asyncio.get_running_loop().time
        remaining = call.remaining()
        wait = LOST_POOL_WAIT_SECONDS if self._lost else self._pool_timeout
        wait = wait if remaining is None else min(wait, remaining)
        end = clock() + wait
        try:
            await self._turns.acquire(call.flow, wait)
        except TimeoutError as error:
            raise PoolTimeout from error
        try:
            yield end
        finally:
            self._turns.release(call.flow)

    async def _acquire_connection(self, end: float) -> CredentialConnection:
        # Not the pool's own check, which waits a second after each dead connection, and a restart leaves many.
        clock = asyncio.get_running_loop().time
        while True:
            connection = await self._pool.getconn(timeout=end - clock())
            alive = False
            try:
                alive = await self._liveness.check(connection)
            finally:
                # Also if the task is cancelled meanwhile.
                if not alive:
                    await self._discard_connection(connection)
            if alive:
                return connection

    async def _release_connection(self, connection: CredentialConnection) -> None:
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            await connection.close()
        self._liveness.record_use(connection)
        await self._pool.putconn(connection)

    async def _discard_connection(self, connection: CredentialConnection) -> None:
        await connection.close()
        await self._pool.putconn(connection)

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        remaining = current_request().remaining()
        seconds = self._statement_timeout if remaining is None else min(self._statement_timeout, remaining)
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise SourceTimeout(self.name, f"{self.name} did not answer within {seconds:.1f} s") from error

    async def _open(self) -> None:
        if self._opened:
            return
        async with self._opening:
            if not self._opened:
                await self._pool.open(wait=False)
                self._opened = True

    async def _configure(self, connection: AsyncConnection[Any]) -> None:
        column_values.register(connection.adapters)
        connection.adapters.register_dumper(list, TextListDumper)
        await configure_session(connection)
        self._lost = False

    async def _reconnect_failed(self, _: object) -> None:
        self._lost = True

    async def health(self) -> Health:
        """Check the database in one round trip; never raises."""
        begin = time.perf_counter()
        try:
            async with self.connection() as connection, self._deadline():
                cursor = await connection.execute(sql.SQL("SELECT current_setting('server_version')"))
                row = await cursor.fetchone()
        except (SourceUnavailable, SourceRefused) as error:
            # A timeout of the event loop has no message of its own.
            problem = str(error.__cause__ or "").strip() or str(error)
            return Health(self.name, reachable=False, problem=problem.splitlines()[0])
        version = row[0] if row else ""
        return Health(self.name, reachable=True, version=version, latency_ms=(time.perf_counter() - begin) * 1_000)

    async def close(self) -> None:
        """Close the pool and its connections."""
        if self._opened:
            await self._pool.close(CLOSE_SECONDS)


def _nothing(*_: object) -> Any:
    raise TypeError("a statement that is executed without a record type must not return rows")


def _comment(request_id: str) -> str:
    # A comment cannot be a bound parameter, so only characters that cannot end it or form a placeholder are allowed.
    return "".join(c for c in request_id if c.isalnum() or c in "-_.:")[:64]
