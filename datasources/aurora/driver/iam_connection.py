"""A connection that signs in with external credentials, and that ends within half a second of a cancellation."""

import asyncio
import time
from typing import Any, Self, TypeVar

import psycopg
from psycopg import AsyncConnection, errors, generators, waiting
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from datasources.credentials.cached import Credential, CredentialCache

RV = TypeVar("RV")

# Seconds that a server has to confirm the cancellation of a statement. A hanging server does not, and the connection is
# closed: the driver alone waits up to 10 s, beyond every deadline.
CANCEL_GRACE_SECONDS = 0.5


class CredentialConnection(AsyncConnection[Any]):
    """An AsyncConnection whose `connect` takes `credentials` instead of a password.

    If it is cancelled during a statement, it asks the server to cancel that statement, and is closed unless the server
    confirms within CANCEL_GRACE_SECONDS.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        """Wait like the driver, except for the time limit after a cancellation."""
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                await self._cancelled(gen, interval)
            raise

    async def _cancelled(self, gen: PQGen[Any], interval: float) -> None:
        end, confirmed = time.monotonic() + CANCEL_GRACE_SECONDS, False
        try:
            await self.cancel_safe(timeout=CANCEL_GRACE_SECONDS)
            left = max(0.01, end - time.monotonic())
            await waiting.wait_async(gen, self.pgconn.socket, interval=min(interval, left), timeout=left)
            confirmed = True
        except errors.QueryCanceled:
            confirmed = await self._drained(end)
        except (psycopg.Error, OSError):
            # The state of the server is unknown.
            return
        finally:
            if not confirmed:
                self.pgconn.finish()

    async def _drained(self, end: float) -> bool:
        # A statement whose rows are read in batches has more to be read after its error. Left unread, its cursor would
        # cancel it again, with a longer wait.
        while self.pgconn.transaction_status == TransactionStatus.ACTIVE and (left := end - time.monotonic()) > 0:
            try:
                await waiting.wait_async(generators.fetch(self.pgconn), self.pgconn.socket, left, left)
            except psycopg.Error:
                return False
        return self.pgconn.transaction_status != TransactionStatus.ACTIVE

    @classmethod
    async def connect(cls, conninfo: str = "", *, credentials: CredentialCache | None = None, **kwargs: Any) -> Self:  # type: ignore[override]
        """Connect like psycopg, with the credentials. Raise SourceUnavailable if there are none."""
        if credentials is None:
            return await super().connect(conninfo, **kwargs)
        credential = await credentials.current()
        try:
            return await super().connect(conninfo, **kwargs, **_words(credential))
        except psycopg.OperationalError as error:
            # libpq provides no SQLSTATE for a failed connection, only the server's message.
            other = (
                await credentials.refresh_after_rejection(credential) if "authentication failed" in str(error) else None
            )
            if other is None:
                raise
        return await super().connect(conninfo, **kwargs, **_words(other))


def _words(credential: Credential) -> dict[str, Any]:
    words = {"password": credential.password}
    return words if credential.user is None else words | {"user": credential.user}
