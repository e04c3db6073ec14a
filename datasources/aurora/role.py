"""The role that the service signs in as: created if it is missing, with only the privileges that serving needs."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, errors, sql

from datasources.aurora.migrator import open_migrator
from datasources.errors import SourceRefused

# Members of this role sign in to RDS by IAM, and no longer by a password. It exists only in RDS.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
RDS_IAM = "rds_iam"

# The objects that the migrating user owns in the schema, without the tables of yoyo.
_OWNED = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
    AND c.relowner = quote_ident(current_user)::regrole
    AND c.relkind = ANY (%s) AND NOT starts_with(c.relname, '_yoyo') AND c.relname <> 'yoyo_lock'
ORDER BY c.relname
"""
_TABLES = ["r", "p", "v", "m", "f"]
_SEQUENCES = ["S"]
# Privileges that the owner of tables may be unable to grant: PostgreSQL only warns then, so they are checked.
_DOORS = (
    ("SELECT has_database_privilege(%s, current_database(), 'CONNECT')", "CONNECT ON DATABASE ..."),
    ("SELECT has_schema_privilege(%s, current_schema(), 'USAGE')", "USAGE ON SCHEMA ..."),
)


def grant_access(database: str, url: str, role: str) -> None:
    """Let `role` read and write all tables of the user of `url`, current and future ones.

    Create the role, with LOGIN and without a password, if it does not exist. Idempotent. Blocks.

    A role belongs to the whole server, so the databases of one server share it. An existing role keeps its attributes,
    since an administrator may have locked it. Raise SourceUnavailable if the database can't be reached; SourceRefused,
    with the statement for an administrator, if this user lacks the privilege.
    """
    with open_migrator(database, url) as session:
        connection: Connection[Any] = session.connection
        _make(database, connection, role)
        if _one(connection, "SELECT pg_has_role(%s, current_user, 'MEMBER')", role):
            raise SourceRefused(
                database, f"DATABASE_ROLE: {role} may act as the owner of {database}; name a role that owns nothing"
            )
        _sign_in_by_iam(database, connection, role)
        with connection.transaction():
            _grant(connection, role)
        for allowed, missing in _DOORS:
            if not _one(connection, allowed, role):
                raise SourceRefused(
                    database,
                    f"DATABASE_ROLE: {role} does not get into {database}; an administrator grants it: "
                    f"GRANT {missing} TO {role}",
                )


def _make(database: str, connection: Connection[Any], role: str) -> None:
    if _exists(connection, role):
        return
    try:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    except errors.InsufficientPrivilege as error:
        raise SourceRefused(
            database,
            f"DATABASE_ROLE: {role} does not exist and the owner of {database} may create no roles; "
            f"an administrator creates it: CREATE ROLE {role} LOGIN",
        ) from error
    except (errors.DuplicateObject, errors.UniqueViolation):
        # The migrator of another database of this server created it first.
        pass


def _sign_in_by_iam(database: str, connection: Connection[Any], role: str) -> None:
    if not _exists(connection, RDS_IAM) or _one(connection, "SELECT pg_has_role(%s, %s, 'MEMBER')", role, RDS_IAM):
        return
    try:
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(RDS_IAM), sql.Identifier(role)))
    except errors.InsufficientPrivilege as error:
        raise SourceRefused(
            database,
            f"DATABASE_ROLE: the owner of {database} may not grant {RDS_IAM}; "
            f"an administrator grants it: GRANT {RDS_IAM} TO {role}",
        ) from error
    except errors.UniqueViolation:
        pass


def _grant(connection: Connection[Any], role: str) -> None:
    to = sql.Identifier(role)
    schema = sql.Identifier(str(_one(connection, "SELECT current_schema()")))
    database_name = sql.Identifier(str(_one(connection, "SELECT current_database()")))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database_name, to))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, to))
    for kind, privileges, kinds in (
        ("TABLE", "SELECT, INSERT, UPDATE, DELETE", _TABLES),
        ("SEQUENCE", "USAGE, SELECT", _SEQUENCES),
    ):
        names = [name for (name,) in connection.execute(_OWNED, (kinds,)).fetchall()]
        qualified = sql.SQL(", ").join(sql.SQL("{}.{}").format(schema, sql.Identifier(each)) for each in names)
        if names:
            connection.execute(sql.SQL(f"GRANT {privileges} ON {kind} {{}} TO {{}}").format(qualified, to))
        # For tables of later migrations: PostgreSQL stores default privileges for each creating user.
        connection.execute(
            sql.SQL(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {{}} GRANT {privileges} ON {kind}S TO {{}}").format(schema, to)
        )


def _exists(connection: Connection[Any], role: str) -> bool:
    return bool(_one(connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", role))


def _one(connection: Connection[Any], text: str, *bound: str) -> Any:
    # Each of these queries returns one row.
    row: Sequence[Any] | None = connection.execute(text.encode(), bound).fetchone()
    return row and row[0]
