"""Documents named by their hash, by the protocol of Apollo's clients: known, unknown, remembered, never for others."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.persisted_documents import DocumentTextCache
from schema.operations import document_id, trusted_documents
from tests.fixtures.endpoint import endpoint, knowing

CALLERS = {
    "Bearer free": Principal(
        "free", "Free", PrincipalKind.USER, frozenset({"teams:read", "documents:free-form", "schema:introspect"})
    ),
    "Bearer bound": Principal("bound", "Bound", PrincipalKind.SERVICE, frozenset({"teams:read"})),
}
FREE, BOUND = CALLERS
TEAMS = next(each for each in trusted_documents().values() if each.name == "teams")
OWN = "{ teams { totalCount } }"
GRAPHQL = "application/graphql-response+json"


@pytest_asyncio.fixture(loop_scope="session")
async def client(postgres: EmbeddedPostgres) -> AsyncIterator[httpx.AsyncClient]:
    async with endpoint(postgres, knowing(CALLERS), limits=DocumentLimits(tokens=200)) as opened:
        yield opened


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


async def ask(
    client: httpx.AsyncClient, method: str, body: dict[str, Any], caller: str = FREE, accept: str = GRAPHQL
) -> httpx.Response:
    headers = {"authorization": caller, "accept": accept}
    if method == "POST":
        return await client.post("/graphql", json=body, headers=headers)
    params = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    return await client.get("/graphql", params=params, headers=headers)


def told(reply: httpx.Response) -> tuple[int, str, str]:
    (error,) = reply.json()["errors"]
    return reply.status_code, error["extensions"]["code"], error["message"]


METHODS = pytest.mark.parametrize("method", ["GET", "POST"])


@METHODS
async def test_the_hash_of_a_trusted_document_runs_it_for_everybody(client: httpx.AsyncClient, method: str) -> None:
    for caller in CALLERS:
        reply = await ask(client, method, {"extensions": persisted(TEAMS.text)}, caller)
        assert (reply.status_code, reply.json()["data"]) == (200, {"teams": {"totalCount": 0, "nodes": []}})


@METHODS
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), ("application/json", 200), (f"{GRAPHQL}, */*", 400)])
async def test_an_unknown_hash_asks_for_the_text(
    client: httpx.AsyncClient, method: str, accept: str, status: int
) -> None:
    reply = await ask(client, method, {"extensions": persisted(OWN)}, accept=accept)
    assert told(reply) == (status, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"].startswith(accept.partition(",")[0])


@METHODS
async def test_a_text_that_came_with_its_hash_is_known_by_it_to_who_may_send_texts(
    client: httpx.AsyncClient, method: str
) -> None:
    with_text = await ask(client, method, {"query": OWN, "extensions": persisted(OWN)})
    assert with_text.json()["data"] == {"teams": {"totalCount": 0}}
    by_hash = await ask(client, method, {"extensions": persisted(OWN)})
    assert by_hash.json()["data"] == {"teams": {"totalCount": 0}}
    # To who may not, it is as unknown as any other.
    bound = await ask(client, method, {"extensions": persisted(OWN)}, BOUND)
    assert told(bound) == (400, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


async def test_who_may_not_send_texts_teaches_nothing(client: httpx.AsyncClient) -> None:
    refused = await ask(client, "POST", {"query": OWN, "extensions": persisted(OWN)}, BOUND)
    assert told(refused)[:2] == (400, "FORBIDDEN")
    unknown = await ask(client, "POST", {"extensions": persisted(OWN)})
    assert told(unknown)[1] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("text", ["{ nope }", "{ unclosed", "{ " + "id " * 250 + "}"])
async def test_what_never_runs_is_not_remembered(client: httpx.AsyncClient, text: str) -> None:
    refused = await ask(client, "POST", {"query": text, "extensions": persisted(text)})
    assert refused.status_code == 400
    unknown = await ask(client, "POST", {"extensions": persisted(text)})
    assert told(unknown)[1] == "PERSISTED_QUERY_NOT_FOUND"


@METHODS
async def test_fields_still_take_their_permissions(client: httpx.AsyncClient, method: str) -> None:
    text = "{ incidents { totalCount } }"
    for body in ({"query": text, "extensions": persisted(text)}, {"extensions": persisted(text)}):
        reply = await ask(client, method, body)
        assert (reply.status_code, reply.json()["data"]) == (200, {"incidents": None})
        assert told(reply)[1] == "FORBIDDEN"


async def test_a_mutation_by_hash_is_not_for_get(client: httpx.AsyncClient) -> None:
    text = 'mutation { defineConfigurationItemClass(input: { key: "k", name: "n" }) { userErrors { code } } }'
    sent = await ask(client, "POST", {"query": text, "extensions": persisted(text)})
    assert told(sent)[:2] == (200, "FORBIDDEN")
    assert told(await ask(client, "GET", {"extensions": persisted(text)}))[0] == 405


VERSION = "extensions.persistedQuery.version"
HASH = "extensions.persistedQuery.sha256Hash"


@METHODS
@pytest.mark.parametrize(
    ("body", "argument"),
    [
        ({"query": OWN, "extensions": persisted("{ __typename }")}, HASH),
        ({"extensions": []}, "extensions"),
        ({"extensions": {"persistedQuery": "x"}}, "extensions.persistedQuery"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "0" * 64}}}, VERSION),
        ({"extensions": {"persistedQuery": {"version": True, "sha256Hash": "0" * 64}}}, VERSION),
        ({"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}, VERSION),
        ({"extensions": {"persistedQuery": {"version": 1}}}, HASH),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 63}}}, HASH),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "A" * 64}}}, HASH),
        ({"documentId": TEAMS.id, "extensions": persisted(OWN)}, "documentId"),
        ({"documentId": "sha256:0"}, "documentId"),
        ({"query": OWN, "extensions": {"explain": 1}}, "extensions.explain"),
        ({"query": OWN, "extensions": {"explain": True, "explainStatements": "yes"}}, "extensions.explainStatements"),
        ({"query": OWN, "extensions": {"explainStatements": True}}, "extensions.explainStatements"),
        ({"extensions": {}}, "query"),
        ({"extensions": {"persistedQuery": None}}, "query"),
    ],
)  # fmt: skip
async def test_what_cannot_be_understood_names_the_field(
    client: httpx.AsyncClient, method: str, body: dict[str, Any], argument: str
) -> None:
    reply = await ask(client, method, body)
    assert told(reply)[:2] == (400, "BAD_USER_INPUT")
    assert reply.json()["errors"][0]["extensions"]["argument"] == argument


async def test_one_document_may_be_named_twice(client: httpx.AsyncClient) -> None:
    reply = await ask(client, "GET", {"documentId": TEAMS.id, "extensions": persisted(TEAMS.text)})
    assert reply.status_code == 200


TEXTS = ("", "a", "é", "€", "aé", "long enough")


@given(
    st.lists(st.tuples(st.sampled_from(["keep", "get"]), st.sampled_from(TEXTS)), max_size=40),
    st.integers(0, 3),
    st.integers(0, 12),
)
@example([("keep", "a"), ("keep", "é"), ("get", "a"), ("keep", "€")], 2, 12)
def test_memory_is_bounded_and_forgets_what_was_not_asked_for_longest(
    steps: list[tuple[str, str]], most: int, most_bytes: int
) -> None:
    """Against the slow way: all that was ever used, in order, cut from the front until it fits."""
    remembered, expected = DocumentTextCache(most, most_bytes), OrderedDict[str, str]()
    for step, text in steps:
        id_ = document_id(text)
        if step == "get":
            assert remembered.get(id_) == expected.get(id_)
            if id_ in expected:
                expected.move_to_end(id_)
        else:
            remembered.add(text)
            if len(text.encode()) <= most_bytes:
                expected[id_] = text
                expected.move_to_end(id_)
            while len(expected) > most or sum(len(each.encode()) for each in expected.values()) > most_bytes:
                expected.popitem(last=False)
    assert {text for text in TEXTS if remembered.get(document_id(text)) is not None} == set(expected.values())
