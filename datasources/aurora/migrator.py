"""Applies migrations with yoyo in one PostgreSQL session, and raises its failures as source errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend

from datasources.errors import SourceRefused, SourceUnavailable

# An arbitrary number, but the same in every version of this program.
_LOCK = 7_382_910_465
LOCK_TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 5


class Migrator(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend, with the URL passed to libpq and with a lock that ends with its session.

    yoyo's own lock is a row that a killed migrator leaves behind, which would block every later one.
    """

    _locked = False

    def connect(self, dburi: str) -> Any:
        known = psycopg.conninfo.conninfo_to_dict(dburi)
        connection = psycopg.connect(
            dburi,
            autocommit=True,
            application_name="stackflow migrate",
            connect_timeout=int(known.get("connect_timeout") or CONNECT_TIMEOUT_SECONDS),
        )
        # Times in migrations are in UTC, whatever the default of the server.
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def list_tables(self, **kwargs: object) -> list[str]:
        cursor = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return [row[0] for row in cursor.fetchall()]

    @contextmanager
    def lock(self, timeout: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
        """Become the only migrator of this database; wait at most `timeout` seconds."""
        if self._locked:
            yield
            return
        self.execute(f"SET lock_timeout = '{timeout:.3f}s'")
        self.execute(f"SELECT pg_advisory_lock({_LOCK})")
        self.execute("RESET lock_timeout")
        self._locked = True
        try:
            yield
        finally:
            self._locked = False
            self.execute(f"SELECT pg_advisory_unlock({_LOCK})")


@contextmanager
def open_migrator(database: str, url: str) -> Iterator[Migrator]:
    """Open a migrator. Raise SourceUnavailable if the database is unreachable or stays locked; otherwise SourceRefused.

    No message repeats the URL, which may contain a password.
    """
    try:
        migrator = Migrator(url, "_yoyo_migration")
    except psycopg.OperationalError as error:
        raise SourceUnavailable(database, f"{database} cannot be reached: {_line(error)}") from error
    except psycopg.ProgrammingError:
        # libpq's own message quotes the whole URL.
        raise SourceRefused(database, f"the URL of {database} is not one that libpq understands") from None
    try:
        yield migrator
    except errors.LockNotAvailable as error:
        raise SourceUnavailable(database, f"{database} is being migrated by another process; try again") from error
    except psycopg.OperationalError as error:
        raise SourceUnavailable(database, f"{database} was lost: {_line(error)}") from error
    except psycopg.Error as error:
        raise SourceRefused(database, f"{database} refused a migration: {_line(error)}") from error
    finally:
        migrator.connection.close()


def _line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
