"""The role of the service: what it may do and what not, in both databases, made by one who is no superuser."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from datasources.aurora.role import RDS_IAM, grant_access
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceRefused
from tests.fixtures.owners import Owned, owned
from workers.migrations import migrate

DATABASES = ("main", "requirements")


@pytest.fixture
def server(postgres: EmbeddedPostgres) -> Iterator[Owned]:
    """Two migrated databases of an owner who may create roles, as the master user of RDS may."""
    with owned(postgres) as made:
        for each in DATABASES:
            migrate(each, made.url(each))
        yield made


def state(server: Owned) -> list[Any]:
    """All that letting in can change: of the server, and of each database."""
    found: list[Any] = []
    for each in DATABASES:
        with psycopg.connect(server.url(each)) as connection:
            for text in (
                "SELECT * FROM pg_roles ORDER BY rolname",
                "SELECT roleid, member FROM pg_auth_members ORDER BY 1, 2",
                "SELECT oid, relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid",
                "SELECT defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1",
                "SELECT datacl FROM pg_database WHERE datname = current_database()",
                "SELECT nspacl FROM pg_namespace WHERE nspname = 'public'",
            ):
                found.append(connection.execute(text.encode()).fetchall())
    return found


def tables(server: Owned, database: str) -> list[str]:
    with psycopg.connect(server.url(database)) as connection:
        return [
            name
            for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ 'yoyo' ORDER BY 1"
            )
        ]


def test_it_reads_and_writes_every_table_of_both_databases_and_makes_none(server: Owned) -> None:
    role = server.role
    for each in DATABASES:
        grant_access(each, server.url(each), role)
    server.unlock(role)
    assert [len(tables(server, each)) > 3 for each in DATABASES] == [True, True]
    for each in DATABASES:
        with psycopg.connect(server.url(each, role), autocommit=True) as connection:
            for table in tables(server, each):
                allowed = connection.execute(
                    "SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', "
                    "'REFERENCES', 'TRIGGER']) AS privilege WHERE has_table_privilege(%s, privilege)",
                    (table,),
                ).fetchall()
                assert allowed == [("SELECT",), ("INSERT",), ("UPDATE",), ("DELETE",)], table
            for refused in (
                "CREATE TABLE mine ()", "DROP TABLE outbox", "ALTER TABLE outbox ADD mine text", "TRUNCATE outbox",
                "CREATE SCHEMA mine", "CREATE ROLE mine", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
                "SELECT * FROM _yoyo_migration", "DELETE FROM _yoyo_migration",
            ):  # fmt: skip
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(refused.encode())


def test_numbers_of_sequences_and_views_are_to_be_had(server: Owned) -> None:
    role = server.role
    grant_access("main", server.url("main"), role)
    server.unlock(role)
    with psycopg.connect(server.url("main", role)) as connection:
        assert connection.execute("SELECT nextval('incident_numbers')").fetchone() == (5_000_001,)
        assert connection.execute("SELECT * FROM configuration_item_class_descendants").fetchall() == []


def test_a_table_of_a_later_migration_is_to_be_had(server: Owned) -> None:
    """Even where nobody lets the role in again."""
    role = server.role
    grant_access("main", server.url("main"), role)
    server.unlock(role)
    with psycopg.connect(server.url("main")) as connection:
        connection.execute("CREATE TABLE later (id bigserial PRIMARY KEY, word text)")
    with psycopg.connect(server.url("main", role)) as connection:
        connection.execute("INSERT INTO later (word) VALUES ('mine')")
        assert connection.execute("UPDATE later SET word = 'ours' RETURNING id, word").fetchall() == [(1, "ours")]
        assert connection.execute("DELETE FROM later").rowcount == 1


def test_the_second_time_changes_nothing(server: Owned) -> None:
    role = server.role
    first = []
    for _ in range(2):
        for each in DATABASES:
            grant_access(each, server.url(each), role)
        first.append(state(server))
    assert first[0] == first[1]


def test_it_signs_in_without_a_password_of_its_own(server: Owned) -> None:
    role = server.role
    grant_access("main", server.url("main"), role)
    with psycopg.connect(server.postgres.url("postgres")) as connection:
        made = connection.execute(
            "SELECT rolcanlogin, rolpassword, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_authid "
            "WHERE rolname = %s",
            (role,),
        ).fetchall()
    assert made == [(True, None, False, False, False, False)]


def test_a_role_that_exists_keeps_its_attributes(server: Owned) -> None:
    server.administer("CREATE ROLE {} NOLOGIN CONNECTION LIMIT 3", server.role)
    grant_access("main", server.url("main"), server.role)
    with psycopg.connect(server.url("main")) as connection:
        found = connection.execute(
            "SELECT rolcanlogin, rolconnlimit FROM pg_roles WHERE rolname = %s", (server.role,)
        ).fetchall()
    assert found == [(False, 3)]


@pytest.fixture
def rds(server: Owned) -> Iterator[Owned]:
    """A server with RDS's role, which the owner may grant as the master user of RDS may."""
    server.administer("CREATE ROLE {}", RDS_IAM)
    server.administer("GRANT {} TO {} WITH ADMIN OPTION", RDS_IAM, f"owner_{server.name}")
    yield server
    server.administer("DROP ROLE {}", RDS_IAM)


def is_by_iam(server: Owned, role: str) -> bool:
    with psycopg.connect(server.url("main")) as connection:
        row = connection.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", (role, RDS_IAM)).fetchone()
    assert row is not None
    return bool(row[0])


def test_on_rds_it_signs_in_by_iam(rds: Owned) -> None:
    for _ in range(2):
        for each in DATABASES:
            grant_access(each, rds.url(each), rds.role)
    assert is_by_iam(rds, rds.role)


def test_an_owner_who_may_not_grant_iam_is_told_who_may(rds: Owned) -> None:
    rds.administer("REVOKE {} FROM {}", RDS_IAM, f"owner_{rds.name}")
    # Before 16, whoever may create roles may grant any but a superuser's.
    rds.administer("ALTER ROLE {} NOCREATEROLE", f"owner_{rds.name}")
    rds.administer("CREATE ROLE {} LOGIN", rds.role)
    with pytest.raises(SourceRefused) as caught:
        grant_access("main", rds.url("main"), rds.role)
    assert str(caught.value) == (
        f"DATABASE_ROLE: the owner of main may not grant rds_iam; an administrator grants it: "
        f"GRANT rds_iam TO {rds.role}"
    )
    assert not is_by_iam(rds, rds.role)


def test_an_owner_who_may_create_no_roles_is_told_who_may(postgres: EmbeddedPostgres) -> None:
    with owned(postgres, "NOCREATEROLE") as server:
        migrate("main", server.url("main"))
        with pytest.raises(SourceRefused) as caught:
            grant_access("main", server.url("main"), server.role)
        assert str(caught.value) == (
            f"DATABASE_ROLE: {server.role} does not exist and the owner of main may create no roles; "
            f"an administrator creates it: CREATE ROLE {server.role} LOGIN"
        )
        # Once somebody has made it, the owner lets it in.
        server.administer("CREATE ROLE {} LOGIN", server.role)
        grant_access("main", server.url("main"), server.role)
        server.unlock(server.role)
        with psycopg.connect(server.url("main", server.role)) as connection:
            assert connection.execute("SELECT count(*) FROM incidents").fetchone() == (0,)


def test_one_who_may_act_as_the_owner_is_refused_and_gets_nothing(server: Owned) -> None:
    member = server.another("member")
    server.administer("CREATE ROLE {} LOGIN", member)
    server.administer("GRANT {} TO {}", f"owner_{server.name}", member)
    before = state(server)
    for role in (f"owner_{server.name}", member):
        with pytest.raises(SourceRefused, match=f"{role} may act as the owner of main; name a role that owns nothing"):
            grant_access("main", server.url("main"), role)
    assert state(server) == before


def test_what_others_own_is_not_given_away(server: Owned) -> None:
    with psycopg.connect(server.postgres.url(f"main_{server.name}"), autocommit=True) as connection:
        connection.execute("CREATE TABLE theirs ()")
    grant_access("main", server.url("main"), server.role)
    with psycopg.connect(server.url("main")) as connection:
        row = connection.execute("SELECT has_table_privilege(%s, 'theirs', 'SELECT')", (server.role,)).fetchone()
    assert row == (False,)


@pytest.mark.parametrize(
    ("closed", "missing"),
    [("DATABASE main_{}", "CONNECT ON DATABASE"), ("SCHEMA public", "USAGE ON SCHEMA")],
)
def test_where_nobody_gets_in_an_administrator_is_named(server: Owned, closed: str, missing: str) -> None:
    what = closed.format(server.name)
    owner = f"owner_{server.name}"
    with psycopg.connect(server.postgres.url(f"main_{server.name}"), autocommit=True) as connection:
        for text in (
            f"REVOKE ALL ON {what} FROM PUBLIC", f"ALTER {what} OWNER TO stackflow", f"GRANT ALL ON {what} TO {owner}",
        ):  # fmt: skip
            connection.execute(text.encode())
    with pytest.raises(SourceRefused, match=f"does not get into main; an administrator grants it: GRANT {missing}"):
        grant_access("main", server.url("main"), server.role)
