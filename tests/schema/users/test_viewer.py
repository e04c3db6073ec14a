"""The viewer: who asks, and what they may do."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from resolvers.principals.principal import Principal, PrincipalKind
from tests.fixtures.databases import FREE_FORM, ask, create_database, person, sources_of

VIEWER = "{ viewer { subject name kind permissions teamKeys teams { key name } } }"


@pytest.fixture(scope="module")
async def sources(postgres: EmbeddedPostgres) -> AsyncIterator[Sources]:
    main = create_database(postgres, "viewer_main")
    with psycopg.connect(main) as connection:
        connection.execute(
            "INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'payments', 'Payments'), "
            "(gen_random_uuid(), 'security', 'Security')"
        )
    opened = sources_of(main, main)
    yield opened
    await opened.close()


async def test_shows_who_asks_and_the_teams_that_are_known(sources: Sources) -> None:
    asker = Principal(
        "auth0|7", "Mia", PrincipalKind.SERVICE, FREE_FORM | {"teams:read", "incidents:read"},
        frozenset({"security", "payments", "unknown"}),
    )  # fmt: skip
    answered = await ask(sources, VIEWER, asker)
    assert answered.errors == []
    assert answered.data["viewer"] == {
        "subject": "auth0|7",
        "name": "Mia",
        "kind": "SERVICE",
        "permissions": ["documents:free-form", "incidents:read", "teams:read"],
        "teamKeys": ["payments", "security", "unknown"],
        "teams": [{"key": "payments", "name": "Payments"}, {"key": "security", "name": "Security"}],
    }
    assert answered.sql == 1


async def test_takes_no_permission_and_asks_no_store_but_for_teams(sources: Sources) -> None:
    nobody = Principal("x", "X", PrincipalKind.USER, FREE_FORM, frozenset({"payments"}))
    plain = await ask(sources, "{ viewer { subject teamKeys } }", nobody)
    assert (plain.errors, plain.sql) == ([], 0)
    assert plain.data["viewer"] == {"subject": "x", "teamKeys": ["payments"]}
    teams = await ask(sources, VIEWER, nobody)
    assert (teams.codes, teams.sql) == (["FORBIDDEN"], 0)
    assert teams.data["viewer"]["teams"] is None
    assert (await ask(sources, VIEWER, person("teams:read"))).data["viewer"]["teams"] == []
