"""A connection that signs in by credentials from elsewhere, and once more after they were changed."""

from typing import Any, Self

import psycopg
from psycopg import AsyncConnection

from datasources.credentials.kept import Credential, Credentials


class SigningIn(AsyncConnection[Any]):
    """An AsyncConnection whose `connect` takes `credentials` in place of a password."""

    @classmethod
    async def connect(cls, conninfo: str = "", *, credentials: Credentials | None = None, **kwargs: Any) -> Self:  # type: ignore[override]
        """SourceUnavailable if there are no credentials; else as psycopg's."""
        if credentials is None:
            return await super().connect(conninfo, **kwargs)
        credential = await credentials.current()
        try:
            return await super().connect(conninfo, **kwargs, **_words(credential))
        except psycopg.OperationalError as error:
            # libpq keeps no SQLSTATE of a failed connection, only the server's words.
            other = await credentials.after_refusal_of(credential) if "authentication failed" in str(error) else None
            if other is None:
                raise
        return await super().connect(conninfo, **kwargs, **_words(other))


def _words(credential: Credential) -> dict[str, Any]:
    words = {"password": credential.password}
    return words if credential.user is None else words | {"user": credential.user}
