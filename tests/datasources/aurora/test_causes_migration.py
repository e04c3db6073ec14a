"""The migrations of causes: rows of older versions have the cause that can be proven, and no other, and are no news."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from yoyo import read_migrations

from datasources.aurora.migrator import open_migrator
from datasources.embedded.postgres import EmbeddedPostgres
from workers.migrations import migrate, migrations_folder

MIGRATION = "0014_causes"
RUN = "00000000-0000-7000-8000-00000000000{}"
ITEM, OTHER = RUN.format("a"), RUN.format("b")
ENGINE, ADA = "engine:workflows", "USER:ada"


@pytest.fixture
def url(postgres: EmbeddedPostgres) -> str:
    """A database as it was before the migration."""
    name = f"causes_{uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    made = postgres.url(name)
    with open_migrator("main", made) as session, session.lock():
        for each in session.to_apply(read_migrations(str(migrations_folder("main", "pre")))):
            if each.id < MIGRATION:
                session.apply_one(each)
    return made


def audit(connection: psycopg.Connection, request_id: str, principal: str, entity_id: str = ITEM) -> None:
    connection.execute(
        "INSERT INTO audit_entries (id, request_id, principal, action, entity, entity_id) "
        "VALUES (gen_random_uuid(), %s, %s, 'UpdateConfigurationItem', 'CONFIGURATION_ITEM', %s)",
        (request_id, principal, entity_id),
    )


# The request id of a row of the outbox, who wrote by that name if there is an entry of it, about which item, and
# whether the run is its cause.
ROWS = [
    (f"run:{RUN.format(1)}", ENGINE, ITEM, True),
    # Chosen by a client.
    (f"run:{RUN.format(2)}", ADA, ITEM, False),
    (f"run:{RUN.format(3)}", "SERVICE:engine:workflows", ITEM, False),
    (f"run:{RUN.format(4)}", None, ITEM, False),
    # The engine wrote something else by that name.
    (f"run:{RUN.format(5)}", ENGINE, OTHER, False),
    # No run at all.
    ("run:", ENGINE, ITEM, False),
    ("run:1", ENGINE, ITEM, False),
    (f"run:{RUN.format(6)}-and-more", ENGINE, ITEM, False),
    (f"run:{RUN.format('A')}", ENGINE, ITEM, False),
    (f"RUN:{RUN.format(7)}", ENGINE, ITEM, False),
    ("", ENGINE, ITEM, False),
]


def test_rows_of_the_outbox_have_the_cause_that_the_engine_proves(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM outbox")
        for request_id, principal, about, _ in ROWS:
            connection.execute(
                "INSERT INTO outbox (request_id, entity, entity_id, change) "
                "VALUES (%s, 'CONFIGURATION_ITEM', %s, 'CHANGED')",
                (request_id, ITEM),
            )
            if principal is not None:
                audit(connection, request_id, principal, about)
        # Two entries of one write are one cause.
        audit(connection, ROWS[0][0], ENGINE)
    assert MIGRATION in [each.name for each in migrate("main", url)]
    with psycopg.connect(url) as connection:
        query = "SELECT request_id, cause_run_id::text, actor, by_executor FROM outbox ORDER BY position"
        found = connection.execute(query).fetchall()
    assert found == [
        (request_id, request_id.removeprefix("run:") if is_cause else None, "", False)
        for request_id, _, _, is_cause in ROWS
    ]


def test_runs_know_who_stands_behind_those_that_led_to_them(url: str) -> None:
    runs = [
        (1, None, ADA), (2, 1, "engine:triggers"), (3, 2, "engine:triggers"), (4, 1, "USER:bob"), (5, None, ""),
    ]  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO workflows (id, key, name) VALUES (%s, 'w', 'W')", (ITEM,))
        for number, cause, requester in runs:
            connection.execute(
                "INSERT INTO workflow_runs (id, number, workflow_id, state, started_at, cause_run_id, requested_by) "
                "VALUES (%s, %s, %s, 'SUCCEEDED', now(), %s, %s)",
                (RUN.format(number), f"RUN{number}", ITEM, cause and RUN.format(cause), requester),
            )
        connection.execute(
            "INSERT INTO workflow_steps (id, workflow_id, key, position, name, kind, depends_on, configuration) "
            "VALUES (%s, %s, 's', 1, 'S', 'APPROVAL', '{}', '{}')",
            (ITEM, ITEM),
        )
        connection.execute(
            "INSERT INTO workflow_step_runs (id, run_id, step_id) VALUES (%s, %s, %s)", (ITEM, RUN.format(1), ITEM)
        )
        for principal in ("USER:carol", ""):
            connection.execute(
                "INSERT INTO workflow_approvals (id, step_run_id, principal, decision) "
                "VALUES (gen_random_uuid(), %s, %s, 'APPROVED')",
                (ITEM, principal),
            )
        connection.execute("DELETE FROM outbox")
    migrate("main", url)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT number, initiators FROM workflow_runs ORDER BY number").fetchall()
        acted = connection.execute(
            "SELECT number, participants FROM workflow_runs WHERE participants <> '{}'"
        ).fetchall()
        # A trigger that is published since would start runs for what the outbox says of old ones.
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        connection.execute("UPDATE workflow_runs SET version = version + 1")
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (5,)
    assert acted == [("RUN1", ["USER:carol"])]
    # With who asked for the run itself.
    assert [(number, sorted(each)) for number, each in found] == [
        ("RUN1", []), ("RUN2", [ADA, "engine:triggers"]), ("RUN3", [ADA, "engine:triggers"]),
        ("RUN4", [ADA, "USER:bob"]), ("RUN5", []),
    ]  # fmt: skip


def test_who_published_before_sees_no_restricted_incident_and_imported_workflows_see_all(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for number, (key, state) in enumerate(
            [("published", "PUBLISHED"), ("imported", "PUBLISHED"), ("draft", "DRAFT")]
        ):
            connection.execute(
                "INSERT INTO workflows (id, key, name, state) VALUES (%s, %s, 'W', %s)",
                (RUN.format(number), key, state),
            )
        connection.execute(
            "INSERT INTO audit_entries (id, request_id, principal, action, entity, entity_id, after) "
            "SELECT gen_random_uuid(), '', principal, action, 'WORKFLOW', %s, jsonb_build_object('state', state) "
            "FROM (VALUES ('USER:bob', 'DraftWorkflow', 'DRAFT'), ('USER:ada', 'PublishWorkflow', 'PUBLISHED')) "
            "AS told (principal, action, state)",
            (RUN.format(0),),
        )
    migrate("main", url)
    with psycopg.connect(url) as connection:
        query = (
            "SELECT w.key, p.principal, p.sees_restricted, p.team_keys "
            "FROM workflow_publishers p JOIN workflows w ON w.id = p.workflow_id"
        )
        assert connection.execute(query).fetchall() == [("published", ADA, False, [])]
