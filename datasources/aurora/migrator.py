"""yoyo on PostgreSQL: one session that applies migrations, its failures turned into source errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend

from datasources.errors import SourceRefused, SourceUnavailable

# Any number will do, as long as every version of this program takes the same one.
_LOCK = 7_382_910_465
LOCK_TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 5


class Migrator(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend, with the URL left to libpq and with a lock that ends with its holder.

    yoyo's own lock is a row that a killed migrator leaves behind, and that keeps every later one out.
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
        # Times in migrations are those of UTC, whatever the server has by default.
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def list_tables(self, **kwargs: object) -> list[str]:
        cursor = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return [row[0] for row in cursor.fetchall()]

    @contextmanager
    def lock(self, timeout: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
        """Be the one migrator of this database; waits at most `timeout` seconds."""
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
    """An open migrator. SourceUnavailable if the database can't be reached or stays locked; SourceRefused else.

    No message repeats the URL: it may hold a password.
    """
    try:
        opened = Migrator(url, "_yoyo_migration")
    except psycopg.OperationalError as error:
        raise SourceUnavailable(database, f"{database} cannot be reached: {_line(error)}") from error
    except psycopg.ProgrammingError:
        # libpq's own words quote the whole URL.
        raise SourceRefused(database, f"the URL of {database} is not one that libpq understands") from None
    try:
        yield opened
    except errors.LockNotAvailable as error:
        raise SourceUnavailable(database, f"{database} is being migrated by another process; try again") from error
    except psycopg.OperationalError as error:
        raise SourceUnavailable(database, f"{database} was lost: {_line(error)}") from error
    except psycopg.Error as error:
        raise SourceRefused(database, f"{database} refused a migration: {_line(error)}") from error
    finally:
        opened.connection.close()


def _line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
