"""What those in between may keep: by document, method, caller, errors and as-of token; and what tells them so."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.executor import DEFINITION
from schema.operations import trusted_documents
from tests.fixtures.endpoint import endpoint, knowing

CALLERS = {
    "Bearer reads": Principal(
        "reads", "Reads", PrincipalKind.USER,
        frozenset({"teams:read", "configuration-items:read", "documents:free-form", "schema:introspect"}),
    ),
    "Bearer bound": Principal("bound", "Bound", PrincipalKind.SERVICE, frozenset({"documents:free-form"})),
}  # fmt: skip
READS, BOUND = CALLERS
GRAPHQL = "application/graphql-response+json"
KINDS = "{ __schema { queryType { name } } }"
TYPES = "query Q($yes: Boolean = true) { relationshipTypes @include(if: $yes) { key } }"
TEAMS = "{ teams { totalCount } }"
NO_STORE = {"cache-control": "no-store"}


def kept_for(seconds: int) -> dict[str, str]:
    return {"cache-control": f"public, max-age={seconds}", "vary": "Authorization, Accept"}


@pytest_asyncio.fixture(loop_scope="session")
async def client(postgres: EmbeddedPostgres) -> AsyncIterator[httpx.AsyncClient]:
    async with endpoint(postgres, knowing(CALLERS)) as opened:
        yield opened


@pytest.fixture
def types_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody could write them."""
    assert GRAPHQL_SCHEMA.query_type is not None
    declared = GRAPHQL_SCHEMA.query_type.fields["relationshipTypes"].extensions[DEFINITION]
    monkeypatch.setattr(declared, "kept_seconds", 20)


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


async def ask(
    client: httpx.AsyncClient, text: str, caller: str = READS, *, method: str = "GET", **also: str
) -> httpx.Response:
    """By the document's hash, once the service knows it."""
    learned = await client.post(
        "/graphql", json={"query": text, "extensions": persisted(text)}, headers={"authorization": READS}
    )
    assert learned.headers["cache-control"] == "no-store"
    headers = {"authorization": caller, "accept": GRAPHQL} | {
        name.replace("_", "-"): value for name, value in also.items()
    }
    if method == "GET":
        return await client.get("/graphql", params={"extensions": json.dumps(persisted(text))}, headers=headers)
    return await client.post("/graphql", json={"extensions": persisted(text)}, headers=headers)


@pytest.mark.parametrize(
    ("text", "method", "caller", "also", "status", "expected"),
    [
        (KINDS, "GET", READS, {}, 200, kept_for(60)),
        ("{ __typename }", "GET", READS, {}, 200, kept_for(60)),
        ("{ __typename }", "GET", BOUND, {}, 200, kept_for(60)),
        (KINDS, "GET", READS, {"accept": "application/json"}, 200, kept_for(60)),
        (KINDS, "POST", READS, {}, 200, NO_STORE),
        (KINDS, "GET", BOUND, {}, 400, NO_STORE),
        (KINDS, "GET", "Bearer nobody", {}, 401, NO_STORE),
        (KINDS, "GET", READS, {"x_stackflow_as_of": "w1"}, 200, NO_STORE),
        (KINDS, "GET", READS, {"x_stackflow_as_of": "nonsense"}, 400, NO_STORE),
        (TYPES, "GET", READS, {}, 200, kept_for(20)),
        (TYPES, "POST", READS, {}, 200, NO_STORE),
        (TYPES, "GET", BOUND, {}, 200, NO_STORE),
        (TYPES, "GET", READS, {"x_stackflow_as_of": "w1"}, 200, NO_STORE),
        (TEAMS, "GET", READS, {}, 200, NO_STORE),
        ("{ __typename relationshipTypes { key } teams { totalCount } }", "GET", READS, {}, 200, NO_STORE),
        ("query Q { ...a } fragment a on Query { relationshipTypes { key } ...b }"
            " fragment b on Query { viewer { name } }", "GET", READS, {}, 200, NO_STORE),
        ("{ relationshipTypes { key } teams @skip(if: true) { totalCount } }", "GET", READS, {}, 200, NO_STORE),
        ("{ relationshipTypes { key } teams @include(if: false) { totalCount } }", "GET", READS, {}, 200, NO_STORE),
        ("{ relationshipTypes { key } ... on Query @skip(if: true) { teams { totalCount } } }",
            "GET", READS, {}, 200, NO_STORE),
        ("{ ... { relationshipTypes { ...t __typename } } } fragment t on RelationshipType { label }",
            "GET", READS, {}, 200, kept_for(20)),
        ("query Q($n: Boolean!) { __typename @include(if: $n) }", "GET", READS, {}, 200, NO_STORE),
    ],
)  # fmt: skip
async def test_who_may_keep_what(
    client: httpx.AsyncClient, types_are_kept: None, text: str, method: str, caller: str, also: dict[str, str],
    status: int, expected: dict[str, str],
) -> None:  # fmt: skip
    reply = await ask(client, text, caller, method=method, **also)
    assert reply.status_code == status
    found = {name: reply.headers[name] for name in ("cache-control", "vary") if name in reply.headers}
    assert found == expected
    # A tag, and an answer without what was true of one call alone, come together.
    assert ("etag" in reply.headers) == (expected is not NO_STORE) == (set(reply.json()) == {"data"})


async def test_a_trusted_document_is_kept_no_more_than_others(client: httpx.AsyncClient) -> None:
    teams = next(each for each in trusted_documents().values() if each.name == "teams")
    reply = await client.get("/graphql", params={"documentId": teams.id}, headers={"authorization": READS})
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")


async def test_a_document_in_the_address_is_not_kept(client: httpx.AsyncClient) -> None:
    for also in ({}, {"extensions": json.dumps(persisted(KINDS))}):
        reply = await client.get("/graphql", params={"query": KINDS} | also, headers={"authorization": READS})
        assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")


async def test_nothing_second_best_is_kept(
    client: httpx.AsyncClient, types_are_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def degraded(context: Context, permission: str) -> None:
        context.call.degraded.add("graph")

    monkeypatch.setattr(Context, "require", degraded)
    reply = await ask(client, TYPES)
    assert reply.json()["extensions"]["degraded"] == ["graph"]
    assert reply.headers["cache-control"] == "no-store"


async def test_who_has_the_answer_is_told_so_by_its_tag(client: httpx.AsyncClient) -> None:
    first = await ask(client, KINDS, x_stackflow_request_id="first")
    assert first.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    tag = first.headers["etag"]
    assert (tag[0], tag[-1], len(tag)) == ('"', '"', 34)
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*", f'W/"a",W/{tag}'):
        again = await ask(client, KINDS, if_none_match=known, x_stackflow_request_id="second")
        assert (again.status_code, again.content) == (304, b"")
        assert dict(again.headers) == {
            "etag": tag, "x-stackflow-request-id": "second",
            "cache-control": "public, max-age=60", "vary": "Authorization, Accept",
        }  # fmt: skip
    for unknown in ('"other"', tag.strip('"'), f'{tag[:-2]}"', ""):
        assert (await ask(client, KINDS, if_none_match=unknown)).status_code == 200


async def test_the_same_answer_in_another_type_has_another_tag(client: httpx.AsyncClient) -> None:
    tags = [(await ask(client, KINDS, accept=each)).headers["etag"] for each in (GRAPHQL, "application/json", "*/*")]
    assert (len(set(tags)), tags[0] == tags[2]) == (2, True)


async def test_a_tag_opens_nothing_to_who_may_not_ask(client: httpx.AsyncClient) -> None:
    tag = (await ask(client, KINDS)).headers["etag"]
    assert (await ask(client, KINDS, "Bearer nobody", if_none_match=tag)).status_code == 401
    refused = await ask(client, KINDS, BOUND, if_none_match=tag)
    assert (refused.status_code, refused.headers["cache-control"]) == (400, "no-store")
