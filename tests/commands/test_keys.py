"""`stackflow key`: a key works once made, is shown once, and ends when revoked."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.exit_codes import CommandError
from commands.main import application
from datasources.aurora.driver.database import Database
from datasources.aurora.principals.api_keys import api_key_by_hash
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.api_keys import hash_of, principal_of

runner = CliRunner()


@pytest.fixture(autouse=True)
def _stores(postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("stackflow"))
    monkeypatch.setenv("REQUIREMENTS_URL", postgres.url("requirements"))
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))


def test_a_key_is_made_and_revoked(postgres: EmbeddedPostgres) -> None:
    made = runner.invoke(application, ["key", "create", "board", "--permission", "incidents:read", "--team", "db"])
    assert made.exit_code == 0
    key_hash = hash_of(made.stdout.strip())
    assert key_hash is not None

    async def found() -> tuple[frozenset[str], frozenset[str]] | None:
        main = Database("main", postgres.url("stackflow"))
        record = await api_key_by_hash(main, key_hash)
        await main.close()
        return None if record is None else (principal_of(record).permissions, principal_of(record).team_keys)

    assert asyncio.run(found()) == (frozenset({"incidents:read"}), frozenset({"db"}))
    again = runner.invoke(application, ["key", "create", "board", "--permission", "*"])
    assert str(again.exception) == "the key was not stored; is the name 'board' in use?"
    assert runner.invoke(application, ["key", "revoke", "board"]).stdout == "revoked board\n"
    assert asyncio.run(found()) is None
    gone = runner.invoke(application, ["key", "revoke", "board"])
    assert str(gone.exception) == "there is no key 'board' that could be revoked"


def test_a_permission_that_is_none_is_refused() -> None:
    wrong = runner.invoke(application, ["key", "create", "board", "--permission", "everything"])
    assert isinstance(wrong.exception, CommandError)
    assert str(wrong.exception) == "'everything' is not a permission; write it like incidents:read"
