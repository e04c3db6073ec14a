"""A connection that signs in by credentials from elsewhere, and ends within half a second when it is cancelled."""

import asyncio
import time
from typing import Any, Self, TypeVar

import psycopg
from psycopg import AsyncConnection, errors, generators, waiting
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from datasources.credentials.cached import Credential, CredentialCache

RV = TypeVar("RV")

# Seconds that a server has to confirm the cancelling of a statement. One that hangs does not, and the connection is
# closed: the driver alone waits up to 10 s, past every deadline.
CANCEL_GRACE_SECONDS = 0.5


class CredentialConnection(AsyncConnection[Any]):
    """An AsyncConnection whose `connect` takes `credentials` in place of a password.

    Cancelled while a statement is under way, it asks the server to cancel that one, and is closed unless the server
    confirms it within CANCEL_GRACE.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        """As the driver's own, except for how long a cancelling is waited for."""
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
            # It is not known what the server is at.
            return
        finally:
            if not confirmed:
                self.pgconn.finish()

    async def _drained(self, end: float) -> bool:
        # A statement whose rows are read in parts has more to be read after its error. Left there, its cursor would
        # cancel it once more, with a longer wait.
        while self.pgconn.transaction_status == TransactionStatus.ACTIVE and (left := end - time.monotonic()) > 0:
            try:
                await waiting.wait_async(generators.fetch(self.pgconn), self.pgconn.socket, left, left)
            except psycopg.Error:
                return False
        return self.pgconn.transaction_status != TransactionStatus.ACTIVE

    @classmethod
    async def connect(cls, conninfo: str = "", *, credentials: CredentialCache | None = None, **kwargs: Any) -> Self:  # type: ignore[override]
        """SourceUnavailable if there are no credentials; else as psycopg's."""
        if credentials is None:
            return await super().connect(conninfo, **kwargs)
        credential = await credentials.current()
        try:
            return await super().connect(conninfo, **kwargs, **_words(credential))
        except psycopg.OperationalError as error:
            # libpq keeps no SQLSTATE of a failed connection, only the server's words.
            other = (
                await credentials.refresh_after_rejection(credential) if "authentication failed" in str(error) else None
            )
            if other is None:
                raise
        return await super().connect(conninfo, **kwargs, **_words(other))


def _words(credential: Credential) -> dict[str, Any]:
    words = {"password": credential.password}
    return words if credential.user is None else words | {"user": credential.user}
