"""Landing: a batch that breaks a constraint says which, and leaves nothing of itself."""

import pytest

from datasources.aurora.imports.landing import ImportStopped, Landing
from datasources.aurora.imports.tables import TABLES
from datasources.aurora.statements import statements
from datasources.files.entities import ENTITIES
from tests.fixtures.imports import Stores

ROWS = b"1\t2\t00000000-0000-7000-8000-000000000001\ta\n2\t3\t00000000-0000-7000-8000-000000000002\tb\n"


async def test_a_refused_batch_leaves_nothing_of_itself(stores: Stores) -> None:
    async with stores.main.connection() as connection:
        landing = Landing(connection)
        await landing.stage(TABLES["teams"], ["key"], iter([ROWS]))
        assert (await landing.plan(TABLES["teams"], distinct=False)).counts == {"create": 2}
        # Someone else makes the same team between plan and batch.
        await connection.execute(b"INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'b', 'B')")
        with pytest.raises(ImportStopped, match="rows 1 to 2 of teams break teams_key_key"):
            await landing.carry_out(TABLES["teams"], 0, 2)
        await landing.clear()
    assert stores.rows("SELECT key FROM teams") == [("b",)]


async def test_an_unknown_staged_column_is_never_composed_into_sql() -> None:
    with pytest.raises(ValueError, match="teams has no staged"):
        TABLES["teams"].copy(['key", evil'])


def test_every_entity_has_a_table_and_a_statement() -> None:
    assert TABLES.keys() == ENTITIES.keys()
    for entity, table in TABLES.items():
        assert statements(f"imports/{table.domain}")[entity].description
