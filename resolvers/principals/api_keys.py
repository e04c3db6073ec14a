"""API keys: generated once, stored as SHA-256, and resolved to principals."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from datasources.records.api_keys import ApiKeyRecord
from resolvers.principals.principal import Principal, PrincipalKind, parse_permissions

KEY_PREFIX = "sfk_"
_FORMAT = re.compile(r"sfk_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A new key: its text, which is shown once and never stored, and the hash to store."""

    text: str
    hash: bytes

    def __repr__(self) -> str:
        # Keeps the key out of logs that contain this object.
        return "NewApiKey(...)"


def generate_api_key() -> NewApiKey:
    """Generate a key of 256 random bits: `sfk_` and 43 URL-safe characters."""
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    return NewApiKey(text, _hash(text))


def hash_of(text: str) -> bytes | None:
    """Return the hash by which a presented key is looked up; None if the text has not the format of a key.

    The database compares hashes, so the duration reveals nothing about a key.
    """
    return _hash(text) if _FORMAT.fullmatch(text) else None


def principal_of(record: ApiKeyRecord) -> Principal:
    """Return the principal of the service that owns the key."""
    return Principal(
        subject=f"api-key:{record.id}",
        name=record.name,
        permissions=parse_permissions(record.permissions),
        team_keys=frozenset(record.team_keys),
        kind=PrincipalKind.SERVICE,
        owner=record.owner,
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
