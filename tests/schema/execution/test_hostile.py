"""What an attacker sends: every request ends in a typed error that says why, at no cost to a store."""

import base64
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.principal import Principal, PrincipalKind
from tests.fixtures.endpoint import endpoint

# Eighteen fragments, each of which spreads the next one twice.
DOUBLING = "query A { ...a } fragment s on Query { __typename } " + " ".join(
    f"fragment {each} on Query {{ ...{below} ...{below} }}" for each, below in pairwise("abcdefghijklmnopqrs")
)
UUID = "00000000-0000-7000-8000-000000000000"
FILTER = "query ($f: TeamFilter) { teams(filter: $f) { nodes { id } } }"
ITEMS = "query ($f: ConfigurationItemFilter) { configurationItems(filter: $f) { nodes { id } } }"


async def authenticate(_: str | None) -> Principal:
    """One who may do everything: nothing is refused for lack of a permission."""
    return Principal("attacker", "Attacker", PrincipalKind.USER, frozenset({"*"}))


@pytest_asyncio.fixture(loop_scope="session")
async def client(postgres: EmbeddedPostgres) -> AsyncIterator[httpx.AsyncClient]:
    """The endpoint with its usual limits, on real databases."""
    async with endpoint(postgres, authenticate) as opened:
        yield opened


def nested(depth: int, within: str, innermost: Any) -> Any:
    """A value in so many lists of one object."""
    value = innermost
    for _ in range(depth):
        value = {within: [value]}
    return value


def packed(*parts: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


async def told(client: httpx.AsyncClient, query: str, **variables: Any) -> tuple[set[str], dict[str, int]]:
    """The codes of the errors and what the stores were asked."""
    reply = await client.post("/graphql", json={"query": query, "variables": variables})
    assert reply.status_code in {200, 400}
    body = reply.json()
    return {error["extensions"]["code"] for error in body.get("errors", [])}, body["extensions"]["stores"]


NOTHING = {"sql": 0, "graph": 0, "cache": 0, "rows": 0}


@pytest.mark.parametrize(
    "query",
    [
        "{ teams(filter: " + "{ and: [" * 60 + "{ name: { eq: \"a\" } }" + "] }" * 60 + ") { nodes { id } } }",
        "{ teams(filter: " + "{ not: " * 60 + "{ name: { eq: \"a\" } }" + " }" * 60 + ") { nodes { id } } }",
        "query ($f: TeamFilter = " + "{ not: " * 60 + "{ }" + " }" * 60 + ") { teams(filter: $f) { nodes { id } } }",
        "query ($x: " + "[" * 60 + "Int" + "]" * 60 + ") { teams { totalCount } }",
        "{ configurationItems(filter: { attributes: { holds: { a: " + "9" * 5_000 + " } } }) { nodes { id } } }",
        "{ " + "__typename " * 5_000 + "}",
        "{ " + " ".join(f"a{n}: __typename" for n in range(100)) + " }",
        DOUBLING,
        "query ($n: Int = 500) { teams(first: $n) { nodes { configurationItems(first: $n) { nodes { name } } } } }",
        "{ teams(first: 500) { ...a } } fragment a on TeamConnection { nodes { configurationItems { ...b } } } "
        "fragment b on ConfigurationItemConnection { nodes { incidents { ...c } } } "
        "fragment c on IncidentConnection { nodes { configurationItems { nodes { name } } } }",
    ],
    ids=[
        "and", "not", "defaults", "types", "digits", "typename", "aliases",
        "fragments", "page by default", "page in a fragment",
    ],
)  # fmt: skip
async def test_a_document_too_deep_or_wide_is_refused_before_any_store(client: httpx.AsyncClient, query: str) -> None:
    assert await told(client, query) == ({"LIMIT_EXCEEDED"}, NOTHING)
    reply = await client.get("/graphql", params={"query": query})
    assert (reply.status_code, {each["extensions"]["code"] for each in reply.json()["errors"]}) == (
        400,
        {"LIMIT_EXCEEDED"},
    )


@pytest.mark.parametrize(
    "query",
    [
        "{ teams { nodes " + "{ team " * 1_200 + "}" * 1_202,
        "{ teams(filter: " + "{ and: [" * 700 + "{ name: { eq: 1 } }" + "] }" * 700 + ") { nodes { id } } }",
        "query ($x: " + "[" * 1_500 + "Int" + "]" * 1_500 + ") { teams { totalCount } }",
    ],
    ids=["selections", "literals", "types"],
)
async def test_a_document_too_deep_to_parse_is_refused(client: httpx.AsyncClient, query: str) -> None:
    codes, cost = await told(client, query)
    assert len(codes) == 1
    assert codes <= {"GRAPHQL_PARSE_FAILED", "LIMIT_EXCEEDED"}
    assert cost == NOTHING


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 30, str(2**63), "1e-400"])
async def test_numbers_that_json_cannot_hold_are_never_our_fault(client: httpx.AsyncClient, number: str) -> None:
    query = f"{{ configurationItems(filter: {{ attributes: {{ holds: {{ a: {number} }} }} }}) {{ nodes {{ id }} }} }}"
    codes, cost = await told(client, query)
    assert codes <= {"BAD_USER_INPUT"}
    assert cost["sql"] == (0 if codes else 1)


async def test_fragments_in_a_circle_are_invalid(client: httpx.AsyncClient) -> None:
    query = "{ ...a } fragment a on Query { ...b } fragment b on Query { teams { nodes { id } } ...a }"
    assert await told(client, query) == ({"GRAPHQL_VALIDATION_FAILED"}, NOTHING)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (FILTER, {"f": nested(400, "and", {"name": {"eq": "a"}})}),
        (FILTER, {"f": nested(50, "or", {"name": {"eq": "a"}})}),
        (FILTER, {"f": {"and": [{"name": {"eq": "a"}}] * 1_000}}),
        (FILTER, {"f": {"name": {"in": ["a"] * 50_000}}}),
        (FILTER, {"f": {"name": {"in": ["a"] * 1_001}}}),
        (ITEMS, {"f": {"attributes": {"holds": nested(300, "a", 1)}}}),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [f"team_{UUID}"] * 20_000}),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [f"team_{UUID}"] * 501}),
        ("query ($ids: [ID!]!) { impact(of: $ids) { truncated } }", {"ids": [f"ci_{UUID}"] * 101}),
        ("{ teams { totalCount } }", {"unused": nested(200, "x", 1)}),
        ("{ teams(first: 501) { totalCount } }", {}),
    ],
    ids=["and", "or", "conditions", "in", "in at the limit", "json", "ids", "ids at the limit", "of", "unused", "page"],
)  # fmt: skip
async def test_variables_too_deep_or_wide_are_refused_before_any_store(
    client: httpx.AsyncClient, query: str, variables: dict[str, Any]
) -> None:
    assert await told(client, query, **variables) == ({"LIMIT_EXCEEDED"}, NOTHING)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (FILTER, {"f": {"name": {"eq": "a\0b"}}}),
        (FILTER, {"f": {"name": {"contains": "\0"}}}),
        ("{ team(key: \"a\\u0000\") { id } }", {}),
        ("{ configurationItem(key: { source: \"\\u0000\", key: \"a\" }) { id } }", {}),
        ("{ incident(number: \"\\u0000\") { id } }", {}),
        ("{ search(text: \"a\\u0000b\") { missing } }", {}),
        (ITEMS, {"f": {"attributes": {"holds": {"a": "\0"}}}}),
        ("query ($n: Int) { teams(first: $n) { totalCount } }", {"n": 2**31}),
        ("query ($n: Int) { teams(first: $n) { totalCount } }", {"n": 10**30}),
        ("query ($n: Int) { teams(first: $n) { totalCount } }", {"n": True}),
        ("query ($c: String) { teams(after: $c) { totalCount nodes { id } } }", {"c": "€"}),
        ("query ($c: String) { teams(after: $c) { nodes { id } } }", {"c": packed("name", False, "a\0", UUID)}),
        ("query ($c: String) { incidents(after: $c) { nodes { id } } }", {"c": packed("opened_at", True, "x", UUID)}),
        (f"query ($c: String) {{ impact(of: [\"ci_{UUID}\"], after: $c) {{ truncated }} }}",
         {"c": packed(10**18, UUID)}),
        ("query ($c: String) { teams(after: $c) { nodes { id } } }", {"c": "W" * 100_000}),
        ("{ node(id: \"team_" + "0" * 100_000 + "\") { id } }", {}),
        ("query A { teams { totalCount } } query B { teams { totalCount } }", {}),
    ],
)  # fmt: skip
async def test_values_that_nothing_can_have_are_bad_input(
    client: httpx.AsyncClient, query: str, variables: dict[str, Any]
) -> None:
    codes, cost = await told(client, query, **variables)
    assert codes <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}
    assert len(codes) == 1
    assert cost["sql"] <= 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ team(key: \\"\\ud800\\") { id } }"}',
        b'{"query": "{ __typename }", "variables": {"a": "\\udfff"}}',
        b'{"query": "{ team(key: \\"\\\\uD800\\") { id } }"}',
        b'{"query": "\xff"}',
        b"[" * 100_000,
        b'{"query": null}',
        b"null",
    ],
)
async def test_a_body_that_is_no_text_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    reply = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert {each["extensions"]["code"] for each in reply.json()["errors"]} <= {"BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED"}


@pytest.mark.parametrize("given", ["a" * 65, "a" * 10_000, "*/", "%(id)s", "ä"])
async def test_a_request_id_of_another_form_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    headers = {b"x-stackflow-request-id": given.encode()}
    reply = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert (reply.status_code, len(reply.headers["x-stackflow-request-id"])) == (200, 36)


async def test_a_deep_filter_within_the_limits_is_answered(client: httpx.AsyncClient) -> None:
    codes, cost = await told(client, FILTER, f=nested(12, "and", {"name": {"eq": "a"}}))
    assert (codes, cost["sql"]) == (set(), 1)
    wide = {"or": [{"name": {"eq": "a"}}] * 100}
    assert (await told(client, FILTER, f=wide))[0] == set()
