"""Landing: a row that the database refuses is rejected alone, with its reason."""

import pytest

from datasources.aurora.imports.staging_session import StagingSession
from datasources.aurora.imports.tables import TABLES
from datasources.aurora.statements import statements
from datasources.files.entities import ENTITIES
from tests.fixtures.imports import Stores

ROWS = (
    b"1\t2\t00000000-0000-7000-8000-000000000001\ta\n2\t3\t00000000-0000-7000-8000-000000000002\tb\n"
    b"3\t4\t00000000-0000-7000-8000-000000000003\tc\n"
)


async def test_a_row_that_the_database_refuses_goes_alone(stores: Stores) -> None:
    refused: list[tuple[int, str, object]] = []
    async with stores.main.connection() as connection:
        landing = StagingSession(connection)
        await landing.stage(TABLES["teams"], ["key"], iter([ROWS]))
        plan = await landing.plan(TABLES["teams"], 3)
        assert plan.counts == {"create": 3}
        # Another writer makes the same team between plan and batch.
        await connection.execute(b"INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'b', 'B')")
        assert await landing.apply(TABLES["teams"], plan, 0, 3, lambda *row: refused.append(row)) == 1
        assert await landing.counts(TABLES["teams"]) == {"create": 2, "reject": 1}
        await landing.clear()
    assert refused == [(3, "the database refuses the row: it breaks teams_key_key", {"key": "b"})]
    assert stores.rows("SELECT key, name FROM teams ORDER BY key") == [("a", "a"), ("b", "B"), ("c", "c")]


async def test_an_unknown_staged_column_is_never_composed_into_sql() -> None:
    with pytest.raises(ValueError, match="teams has no staged"):
        TABLES["teams"].copy_statement(['key", evil'])


def test_every_entity_has_a_table_and_a_statement() -> None:
    assert TABLES.keys() == ENTITIES.keys()
    for entity, table in TABLES.items():
        assert statements(f"imports/{table.domain}")[entity].description
