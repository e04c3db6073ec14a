"""API keys in the main database, by the SHA-256 of their text."""

from collections.abc import Sequence
from datetime import datetime

from uuid_utils import uuid7

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.api_keys import ApiKeyRecord

_SQL = statements("principals/api_keys")


async def api_key_by_hash(database: Database, key_hash: bytes) -> ApiKeyRecord | None:
    """Return the key with this hash, if it is neither revoked nor expired."""
    rows = await database.fetch(_SQL["api_key_by_hash"], {"hash": key_hash}, ApiKeyRecord)
    return rows[0] if rows else None


async def insert_api_key(
    database: Database,
    *,
    name: str,
    key_hash: bytes,
    permissions: Sequence[str],
    team_keys: Sequence[str] = (),
    expires_at: datetime | None = None,
    owner: str = "",
) -> ApiKeyRecord:
    """Store a new key; None never expires. Raise SourceRefused if the name is taken."""
    parameters = {
        "id": str(uuid7()),
        "name": name,
        "hash": key_hash,
        "permissions": list(permissions),
        "team_keys": list(team_keys),
        "expires_at": expires_at,
        "owner": owner,
    }
    rows = await database.fetch(_SQL["insert_api_key"], parameters, ApiKeyRecord)
    return rows[0]


async def revoke_api_key(database: Database, name: str) -> bool:
    """Revoke the key with this name; return whether there was a valid one."""
    return bool(await database.fetch(_SQL["revoke_api_key"], {"name": name}, ApiKeyRecord))
