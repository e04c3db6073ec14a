"""What errors echo of a request is bounded, wherever the value stands, and the remedy stays."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.files.errors import MAX_CHARACTERS, MappingError
from datasources.messages import MAX_MESSAGE_CHARACTERS, truncate_message
from resolvers.events.parser import MAX_NAME_CHARACTERS
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.unit_of_work import UserError, UserErrorCode
from tests.fixtures.alerts import alert, notification
from tests.fixtures.endpoint import endpoint, knowing
from tests.fixtures.event_stores import sources, url
from tests.fixtures.events import upserted
from tests.schema.http import test_alert_notifications as test_alerts
from tests.schema.http import test_events
from tests.schema.http.test_alert_notifications import queue

__all__ = ["queue", "sources", "url"]

READER = Principal("r", "R", PrincipalKind.USER, frozenset({"*", "documents:free-form"}))
LONG = "X" * 100_000
# What the sentence around the cut says of it.
MOST = MAX_MESSAGE_CHARACTERS + 40
events, alerts = test_events.client, test_alerts.client


@pytest_asyncio.fixture(loop_scope="session")
async def graphql(postgres: EmbeddedPostgres) -> AsyncIterator[httpx.AsyncClient]:
    async with endpoint(postgres, knowing({"Bearer r": READER}), headers={"authorization": "Bearer r"}) as opened:
        yield opened


@pytest.mark.parametrize(
    "body",
    [
        {"query": "query A { __typename }", "operationName": LONG},
        {"query": f"{{ {LONG} }}"},
        {"query": f"{{ teams({LONG}: 1) {{ totalCount }} }}"},
        {"query": f'{{ teams(first: "{LONG}") {{ totalCount }} }}'},
        {"query": f'{{ "{LONG}" }}'},
        {"query": f"{{ ...{LONG} }}"},
        {"query": "query($i: ID!) { team(id: $i) { id } }", "variables": {"i": LONG}},
        {"query": "query($i: Int) { teams(first: $i) { totalCount } }", "variables": {"i": LONG}},
        {
            "query": "mutation($i: OpenIncidentInput!) { openIncident(input: $i) { incident { id } } }",
            "variables": {"i": {"title": "a", LONG: 1}},
        },
        {"documentId": LONG},
        {"extensions": {"persistedQuery": {"version": LONG, "sha256Hash": LONG}}},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_no_error_of_graphql_echoes_a_long_value(graphql: httpx.AsyncClient, body: dict[str, Any]) -> None:
    reply = await graphql.post("/graphql", json=body)
    messages = [error["message"] for error in reply.json()["errors"]]
    assert messages
    assert max(map(len, messages)) <= MOST


@pytest.mark.parametrize(
    "name", ["id", "source", "type", "time", "specversion", "datacontenttype", "data", "dataschema"]
)
async def test_no_refusal_of_an_event_echoes_a_long_value(events: httpx.AsyncClient, name: str) -> None:
    reply = await test_events.post(events, upserted("1", "a", status=LONG) | {name: LONG})
    (refused,) = reply.json()["refused"]
    assert len(refused["reason"]) <= MOST
    assert max(len(refused["id"]), len(refused["source"])) <= MAX_NAME_CHARACTERS + 40


async def test_no_refusal_of_an_alert_echoes_a_long_value(alerts: httpx.AsyncClient) -> None:
    bad = [alert("f") | {"status": LONG}, alert("\0" + LONG), alert("g") | {"labels": {LONG: 5}}]
    body = notification(*bad) | {"receiver": LONG}
    reply = await test_alerts.post(alerts, body)
    refused = reply.json()["refused"]
    assert len(refused) == 3
    assert max(len(each["reason"]) for each in refused) <= MOST
    assert max(len(each[name]) for each in refused for name in ("id", "source")) <= MAX_NAME_CHARACTERS + 40


def test_a_bounded_message_says_what_is_left_out_and_keeps_its_remedy() -> None:
    cut = truncate_message(f"there is no {LONG}; see `teams`")
    assert cut == f"there is no {'X' * 655} [99025 characters left out] {'X' * 320}; see `teams`"
    assert truncate_message("x" * MAX_MESSAGE_CHARACTERS) == "x" * MAX_MESSAGE_CHARACTERS
    assert len(UserError(UserErrorCode.INVALID, None, LONG).message) <= MOST
    assert len(str(MappingError(LONG))) <= MAX_CHARACTERS + 40
