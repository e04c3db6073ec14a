"""Marked secrets are in no audit entry, message or line: keys, searches and the words of a restricted incident."""

import logging
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from starlette.applications import Starlette
from starlette.routing import Route

from datasources.aurora.principals.api_keys import insert_api_key, revoke_api_key
from datasources.config import ObservabilitySettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.observability.logs import JsonFormatter
from datasources.queues.factory import open_queues
from resolvers.principals.api_keys import generate_api_key
from resolvers.principals.authentication import Authenticator
from schema.http.endpoint import GraphQLEndpoint
from schema.http.events import event_routes
from tests.fixtures.events import upserted
from tests.fixtures.operations import Operations, opened

# Tables that hold rows for people who may read them, the rows' texts for search and their history among them.
HOLDERS = {"incidents", "incident_activities", "configuration_items", "configuration_item_history"}
SEARCHED, FILTERED, FORGED, NOTED, TITLED, DESCRIBED = MARKS = tuple(f"canary{n}x7f3e" for n in range(6))
OPEN = """mutation ($input: OpenIncidentInput!) { openIncident(input: $input) {
    incident { id version } userErrors { message } } }"""
NOTE = """mutation ($input: AddIncidentNoteInput!) { addIncidentNote(input: $input) {
    incident { version } userErrors { message } } }"""
UPDATE = """mutation ($input: UpdateIncidentInput!) { updateIncident(input: $input) {
    incident { version } userErrors { message } } }"""
SEARCH = "query ($t: String!) { search(text: $t) { results { title } } }"
FILTER = "query ($t: String!) { incidents(filter: {title: {contains: $t}}) { totalCount } }"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def landscape(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "secrets_in_rows") as operations:
        yield operations


def holders(url: str, mark: str) -> set[str]:
    """The tables of which a row holds the text, however it is spelt as JSON."""
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        query = "SELECT EXISTS (SELECT FROM {} AS t WHERE position(%s IN lower(t::text)) > 0)"
        found = set()
        for table in tables:
            row = connection.execute(sql.SQL(query).format(sql.Identifier(table)), (mark.lower(),)).fetchone()
            if row is not None and row[0]:
                found.add(table)
        return found


async def test_marked_secrets_are_in_no_row_and_no_line(
    landscape: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sources = landscape.sources
    key, revoked = generate_api_key(), generate_api_key()
    for name, made in (("writer", key), ("revoked", revoked)):
        await insert_api_key(
            sources.main, name=name, key_hash=made.hash, permissions=["*"], team_keys=["payments"], expires_at=None,
            owner="ada",
        )  # fmt: skip
    await revoke_api_key(sources.main, "revoked")
    authenticator = Authenticator(sources.main)
    endpoint = GraphQLEndpoint(sources, authenticator.authenticate)
    routes = [
        Route("/graphql", endpoint.respond, methods=["POST"]),
        *event_routes(open_queues(sources.main).events, authenticator.authenticate),
    ]
    transport = httpx.ASGITransport(app=Starlette(routes=routes))
    headers = {"authorization": f"Bearer {key.text}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://stackflow", headers=headers) as client:

        async def send(document: str, **variables: object) -> dict[str, dict[str, dict[str, object]]]:
            reply = await client.post("/graphql", json={"query": document, "variables": variables})
            assert "errors" not in reply.json()
            found: dict[str, dict[str, dict[str, object]]] = reply.json()["data"]
            return found

        team = str((await send('{ team(key: "payments") { id } }'))["team"]["id"])
        words = {"title": TITLED, "description": DESCRIBED, "restrictedTeamId": team}
        incident = (await send(OPEN, input=words))["openIncident"]["incident"]
        about = {"id": incident["id"]}
        noted = await send(NOTE, input=about | {"expectedVersion": incident["version"], "note": NOTED})
        version = noted["addIncidentNote"]["incident"]["version"]
        await send(UPDATE, input=about | {"expectedVersion": version, "description": f"{DESCRIBED} once more"})
        await send(SEARCH, t=SEARCHED)
        await send(FILTER, t=FILTERED)
        body = upserted("1", "canary", name="An item")
        assert (
            await client.post("/events", json=body, headers={"content-type": "application/cloudevents+json"})
        ).status_code == 202
        for credential in (revoked.text, f"sfk_{FORGED}", FORGED, f"Basic {FORGED}"):
            reply = await client.post(
                "/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {credential}"}
            )
            assert reply.status_code == 401
    await authenticator.close()
    # What a person wrote is where it is to be read, and nowhere else.
    assert {mark: holders(landscape.url, mark) - HOLDERS for mark in (*MARKS, key.text, revoked.text)} == {
        mark: set() for mark in (*MARKS, key.text, revoked.text)
    }
    assert holders(landscape.url, TITLED) == holders(landscape.url, DESCRIBED) == {"incidents"}
    assert holders(landscape.url, NOTED) == {"incident_activities"}
    # And the entries are there.
    assert {"OpenIncident", "AddIncidentNote", "UpdateIncident"} <= {
        action for (action,) in _rows(landscape.url, "SELECT action FROM audit_entries")
    }
    formatter = JsonFormatter(ObservabilitySettings("test", metrics=True, function="api", version="1"))
    lines = [formatter.format(each) for each in caplog.records if not each.name.startswith("http")]
    # One of each operation.
    assert len(lines) == 6
    assert [mark for mark in (*MARKS, key.text, revoked.text) if any(mark in line for line in lines)] == []


def _rows(url: str, text: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()
