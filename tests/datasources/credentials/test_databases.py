"""Databases that sign in by a secret that turns, or by a token, against a real PostgreSQL."""

import json
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.liveness import MAX_IDLE_SECONDS
from datasources.config import PostgresSettings, SecretReference
from datasources.credentials.aws import database_secret_fetcher, database_token_fetcher
from datasources.credentials.cached import MIN_FETCH_INTERVAL_SECONDS, CredentialCache
from datasources.credentials.factory import TOKEN_SECONDS, resolve_conninfo
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceUnavailable
from tests.fixtures.gate import Gate
from tests.fixtures.secrets_manager import SecretsManager

SECRET = SecretReference("DATABASE_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:main-AbCdEf")


class Role:
    """A role of its own, whose password turns."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.name = f"turning_{uuid4().hex[:12]}"
        self.url = f"postgresql://127.0.0.1:{postgres.port}/stackflow"
        self._owner = psycopg.connect(postgres.url("stackflow"), autocommit=True)
        self._owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(self.name)))

    def turn(self, password: str) -> str:
        """The text of the secret that goes with it."""
        words = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(self.name), sql.Literal(password))
        self._owner.execute(words)
        return self.text(password)

    def text(self, password: str) -> str:
        return json.dumps({"username": self.name, "password": password})

    def end(self) -> None:
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
        self._owner.execute(ending, (self.name,))
        self._owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(self.name)))
        self._owner.close()


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def role(postgres: EmbeddedPostgres) -> Iterator[Role]:
    made = Role(postgres)
    yield made
    made.end()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(role: Role, clock: Clock) -> AsyncIterator[Database]:
    credentials = CredentialCache("main", database_secret_fetcher(SECRET), clock=clock)
    opened = Database("main", role.url, pool_max=2, pool_timeout=10.0, credentials=credentials)
    yield opened
    await opened.close()


async def user(database: Database) -> str:
    async with database.connection() as connection:
        row = await (await connection.execute("SELECT current_user")).fetchone()
    assert row is not None
    return str(row[0])


async def test_a_password_that_turned_is_fetched_once_and_no_request_notices(
    secrets: SecretsManager, role: Role, database: Database
) -> None:
    secrets.texts[SECRET.arn] = role.turn("first")
    assert await user(database) == role.name
    assert len(secrets.asked) == 1
    secrets.texts[SECRET.arn] = role.turn("second")
    # The connection that stands goes on; the second one is refused first.
    async with database.connection():
        assert await user(database) == role.name
    assert secrets.asked == [SECRET.arn] * 2


async def test_a_wrong_secret_is_fetched_once_in_a_while_and_tells_nothing(
    secrets: SecretsManager, role: Role, database: Database, clock: Clock
) -> None:
    role.turn("right")
    secrets.texts[SECRET.arn] = role.text("wrong-and-secret")
    for _ in range(3):
        with pytest.raises(SourceUnavailable) as caught:
            await user(database)
        assert "wrong-and-secret" not in repr(caught.value) + repr(caught.value.__cause__)
    # The first one, and one after the first refusal.
    assert len(secrets.asked) == 2
    secrets.texts[SECRET.arn] = role.text("right")
    clock.now += MIN_FETCH_INTERVAL_SECONDS
    # The pool goes on behind the scenes, so the first request after it may still fail.
    for _ in range(100):
        if (await database.health()).reachable:
            break
    assert await user(database) == role.name
    assert len(secrets.asked) == 3


@pytest.mark.parametrize(
    ("refusal", "text", "says"),
    [
        ("", None, "DATABASE_SECRET cannot be read: Secrets Manager has no such secret"),
        ("AccessDeniedException", "{}", "DATABASE_SECRET cannot be read: the role may not read it"),
        ("", '{"password": "hush', "DATABASE_SECRET names a secret that is not"),
        ("", "hush", "DATABASE_SECRET names a secret that is not"),
        ("", '["hush"]', "DATABASE_SECRET names a secret that is not"),
        ("", '{"username": 7, "password": "hush"}', "DATABASE_SECRET names a secret that is not"),
        ("", '{"username": "hush", "password": ""}', "DATABASE_SECRET names a secret that is not"),
    ],
)
async def test_a_secret_that_cannot_be_had_is_one_line_that_names_the_variable(
    secrets: SecretsManager, role: Role, database: Database, refusal: str, text: str | None, says: str
) -> None:
    secrets.refusal = refusal
    if text is not None:
        secrets.texts[SECRET.arn] = text
    health = await database.health()
    assert not health.reachable
    assert health.problem.startswith(says)
    assert "hush" not in health.problem
    assert "\n" not in health.problem
    assert secrets.asked == [SECRET.arn]
    with pytest.raises(SourceUnavailable, match=says) as caught:
        resolve_conninfo("main", PostgresSettings(role.url, secret=SECRET))
    assert "hush" not in repr(caught.value) + repr(caught.value.__cause__)


def test_whoever_has_no_pool_gets_all_of_it(secrets: SecretsManager, role: Role) -> None:
    secrets.texts[SECRET.arn] = role.turn("it's a %pass word")
    settings = PostgresSettings(role.url, secret=SECRET)
    with psycopg.connect(resolve_conninfo("main", settings)) as connection:
        assert connection.info.user == role.name
    assert "pass" not in repr(PostgresSettings("postgresql://u:pass@h/d"))


async def test_a_token_is_signed_for_the_server_and_serves_ten_minutes(secrets: SecretsManager, clock: Clock) -> None:
    signed = database_token_fetcher("us-east-1", "db.example", 5432, "stackflow_api")
    count: list[int] = []
    credentials = CredentialCache("main", lambda: count.append(1) or signed(), seconds=TOKEN_SECONDS, clock=clock)  # type: ignore[func-returns-value]
    found = await credentials.current()
    parts = urlsplit(f"https://{found.password}")
    query = parse_qs(parts.query)
    assert (parts.hostname, parts.port, found.user) == ("db.example", 5432, None)
    assert (query["Action"], query["DBUser"], query["X-Amz-Expires"]) == (["connect"], ["stackflow_api"], ["900"])
    assert "/us-east-1/rds-db/aws4_request" in query["X-Amz-Credential"][0]
    assert found.password not in repr(found)
    clock.now += TOKEN_SECONDS - 1
    assert await credentials.current() is found
    assert len(count) == 1
    clock.now += 1
    await credentials.current()
    assert len(count) == 2
    assert secrets.asked == []


async def test_a_connection_that_vanished_in_silence_while_unused_is_replaced(postgres: EmbeddedPostgres) -> None:
    gate, clock = Gate(postgres.url("stackflow")), Clock()
    await gate.open()
    database = Database("main", gate.url, pool_max=1, clock=clock)
    try:
        await user(database)
        gate.silence()
        stuck = gate.cut_off()
        clock.now += MAX_IDLE_SECONDS
        assert await user(database) == "stackflow"
        # The first one, the cancelling of what it was asked, and the new one.
        assert (stuck, gate.seen) == (1, 3)
        # One that was used a moment ago is not asked.
        assert await user(database) == "stackflow"
        assert gate.seen == 3
    finally:
        await database.close()
        await gate.shut()


async def test_one_that_vanished_speaks_for_all_that_slept_as_long(postgres: EmbeddedPostgres) -> None:
    """Else each would cost its half second, one request after the other."""
    gate, clock = Gate(postgres.url("stackflow")), Clock()
    await gate.open()
    database = Database("main", gate.url, pool_max=4, clock=clock)
    try:
        async with database.connection(), database.connection(), database.connection(), database.connection():
            assert gate.seen == 4
        gate.silence()
        assert gate.cut_off() == 4
        clock.now += MAX_IDLE_SECONDS
        async with database.connection(), database.connection(), database.connection(), database.connection():
            # Four new ones, and the cancelling of what one was asked.
            assert gate.seen == 4 + 4 + 1
        clock.now += MAX_IDLE_SECONDS
        # What stands answers, so that it is trusted again.
        assert [await user(database) for _ in range(4)] == ["stackflow"] * 4
        assert gate.seen == 9
    finally:
        await database.close()
        await gate.shut()


async def test_the_first_statement_after_a_cut_answers(postgres: EmbeddedPostgres) -> None:
    gate = Gate(postgres.url("stackflow"))
    await gate.open()
    database = Database("main", gate.url, pool_max=1)
    try:
        await user(database)
        await gate.shut()
        await gate.open()
        assert await user(database) == "stackflow"
        assert gate.seen == 2
    finally:
        await database.close()
        await gate.shut()
