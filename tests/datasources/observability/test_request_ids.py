"""The request id travels: a statement that is under way in PostgreSQL says whose it is."""

import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext, use_request

OWN = Statement(
    "own_query", "What the server knows of this session.",
    "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()", frozenset(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "told"), [("0198c0de-7f3a", "0198c0de-7f3a"), ("x */ DROP TABLE teams; %s --", "xDROPTABLEteamss--")]
)
async def test_a_statement_carries_the_request_id(postgres: EmbeddedPostgres, given: str, told: str) -> None:
    database = Database("main", postgres.url("stackflow"))
    with use_request(RequestContext(given)):
        [text] = await database.fetch(OWN, {}, str)
    await database.close()
    assert text == f"/* own_query {told} */ {OWN.text}"
