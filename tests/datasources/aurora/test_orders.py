"""What can be ordered by is indexed and never null, so that the first page of a large table is cheap."""

from typing import Any

import psycopg
import pytest

from datasources.aurora.changes.table import CHANGES
from datasources.aurora.configuration_items.table import CONFIGURATION_ITEMS
from datasources.aurora.documents.table import DOCUMENTS
from datasources.aurora.incidents.table import INCIDENTS
from datasources.aurora.requirements.table import REQUIREMENTS
from datasources.aurora.tables.table import Table
from datasources.aurora.teams.table import TEAMS
from datasources.aurora.users.table import USERS
from datasources.embedded.postgres import EmbeddedPostgres

TABLES: list[Table[Any]] = [
    CHANGES,
    CONFIGURATION_ITEMS,
    DOCUMENTS,
    INCIDENTS,
    REQUIREMENTS,
    TEAMS,
    USERS,
]
ORDERS = [(table, name) for table in TABLES for name, column in table.columns.items() if column.indexed]


@pytest.mark.parametrize(("table", "name"), ORDERS, ids=[f"{table.domain}.{name}" for table, name in ORDERS])
def test_an_order_reads_an_index(postgres: EmbeddedPostgres, table: Table[Any], name: str) -> None:
    """Of a unique column only ties are sorted, of which there are none."""
    database = {"main": "stackflow"}.get(table.database, table.database)
    order = f"{table.columns[name].sql} DESC, {table.alias}.id DESC"
    with psycopg.connect(postgres.url(database)) as connection:
        # The tables are empty, where a sort would be cheapest; forbidden, it is chosen only if no index will do.
        connection.execute("SET enable_sort = off")
        connection.execute("SET enable_seqscan = off")
        statement = f"EXPLAIN SELECT {table.alias}.id FROM {table.domain} {table.alias} ORDER BY {order} LIMIT 1"
        plan = [row[0].strip().removeprefix("->").strip() for row in connection.execute(statement.encode())]
    nodes = [line.partition("  (cost")[0] for line in plan if "(cost" in line]
    assert nodes[0] == "Limit"
    assert nodes[-1].startswith("Index ")
    assert nodes[1:-1] in ([], ["Incremental Sort"])
