"""API keys in a real database: good, expired, revoked, unknown; only hashes are stored and looked up."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.principals.api_keys import api_key_by_hash, insert_api_key, revoke_api_key
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceRefused
from datasources.records.api_keys import ApiKeyRecord
from resolvers.principals.api_keys import generate_api_key
from resolvers.principals.authentication import authenticate
from resolvers.principals.errors import UnknownApiKey
from resolvers.principals.principal import Principal, PrincipalKind


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    found = Database("main", postgres.url("stackflow"))
    yield found
    await found.close()


async def store(database: Database, expires_at: datetime | None = None) -> tuple[str, ApiKeyRecord]:
    """A stored key: its text and its record."""
    new = generate_api_key()
    record = await insert_api_key(
        database,
        name=f"importer {uuid4()}",
        key_hash=new.hash,
        permissions=["incidents:read", "nonsense"],
        team_keys=["db"],
        expires_at=expires_at,
    )
    return new.text, record


async def ask(database: Database, text: str) -> Principal:
    find = partial(api_key_by_hash, database)
    return await authenticate(f"Bearer {text}", tokens=None, find_api_key=find, development=None)


def test_new_key_is_written_as_promised_and_never_twice() -> None:
    keys = [generate_api_key() for _ in range(100)]
    assert all(re.fullmatch(r"sfk_[A-Za-z0-9_-]{43}", key.text) for key in keys)
    assert len({key.text for key in keys}) == 100
    assert keys[0].hash == hashlib.sha256(keys[0].text.encode()).digest()
    assert keys[0].text not in repr(keys[0])


async def test_good_key(database: Database) -> None:
    text, record = await store(database, datetime.now(UTC) + timedelta(hours=1))
    found = await ask(database, text)
    assert found == Principal(
        f"api-key:{record.id}", record.name, PrincipalKind.SERVICE, frozenset({"incidents:read"}), frozenset({"db"})
    )


async def test_key_without_an_end(database: Database) -> None:
    text, record = await store(database)
    assert (await ask(database, text)).name == record.name


async def test_expired_key(database: Database) -> None:
    text, _ = await store(database, datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(UnknownApiKey):
        await ask(database, text)


async def test_revoked_key(database: Database) -> None:
    text, record = await store(database)
    other, _ = await store(database)
    assert await revoke_api_key(database, record.name) is True
    assert await revoke_api_key(database, record.name) is False
    with pytest.raises(UnknownApiKey):
        await ask(database, text)
    assert (await ask(database, other)).kind == PrincipalKind.SERVICE


async def test_unknown_key_is_refused_without_being_repeated(database: Database) -> None:
    text = generate_api_key().text
    with pytest.raises(UnknownApiKey) as caught:
        await ask(database, text)
    assert str(caught.value) == "The API key is unknown, expired or revoked."


async def test_name_is_taken_once(database: Database) -> None:
    _, record = await store(database)
    with pytest.raises(SourceRefused):
        await insert_api_key(database, name=record.name, key_hash=generate_api_key().hash, permissions=[])


async def test_text_of_a_key_is_nowhere_in_its_row(database: Database, postgres: EmbeddedPostgres) -> None:
    text, record = await store(database)
    async with await psycopg.AsyncConnection.connect(postgres.url("stackflow")) as connection:
        cursor = await connection.execute("SELECT hash, to_jsonb(k)::text FROM api_keys k WHERE id = %s", [record.id])
        row = await cursor.fetchone()
    assert row is not None
    assert row[0] == hashlib.sha256(text.encode()).digest()
    assert text[4:] not in row[1]
