"""A write gives a token; who sends it back sees the write, whatever caches and the graph still hold."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from schema.http.endpoint import AS_OF_HEADER
from tests.fixtures.databases import create_database
from tests.fixtures.serving import serving

CREATE = """mutation ($input: CreateConfigurationItemInput!) {
  createConfigurationItem(input: $input) { configurationItem { id name } userErrors { message } }
}"""
READ = "query ($id: ID!) { configurationItem(id: $id) { name } }"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[str]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def main(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "read_your_writes")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
    return made


@pytest.fixture
async def client(main: str, postgres: EmbeddedPostgres, cache: str) -> AsyncIterator[httpx.AsyncClient]:
    environment = {"DATABASE_URL": main, "REQUIREMENTS_URL": postgres.url("requirements"), "REDIS_URL": cache}
    async with serving(environment) as opened:
        yield opened


async def post(client: httpx.AsyncClient, query: str, token: str | None = None, **variables: Any) -> httpx.Response:
    headers = {} if token is None else {AS_OF_HEADER: token}
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def test_a_token_goes_past_the_cache(client: httpx.AsyncClient, main: str) -> None:
    made = await post(client, CREATE, input={"name": "shop", "classKey": "service"})
    item = made.json()["data"]["createConfigurationItem"]["configurationItem"]
    token = made.headers[AS_OF_HEADER]
    assert made.json()["extensions"]["asOf"] == token
    # Now cached; then somebody writes who can't make it a miss.
    assert (await post(client, READ, id=item["id"])).json()["data"]["configurationItem"]["name"] == "shop"
    with psycopg.connect(main) as connection:
        connection.execute("UPDATE configuration_items SET name = 'store'")
    # Without a token that is seen a second later at most, and maybe not at once.
    plain = await post(client, READ, id=item["id"])
    assert plain.json()["data"]["configurationItem"]["name"] in {"shop", "store"}
    assert AS_OF_HEADER not in plain.headers
    seeing = await post(client, READ, token, id=item["id"])
    assert seeing.json()["data"]["configurationItem"]["name"] == "store"
    assert seeing.headers[AS_OF_HEADER] == token


@pytest.mark.parametrize("token", ["w", "17", "w-1", "w1; DROP", "w" + "9" * 19])
async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    reply = await post(client, "{ __typename }", token)
    assert reply.status_code == 400
    [error] = reply.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": AS_OF_HEADER}


async def test_a_write_that_was_refused_gives_no_token(client: httpx.AsyncClient) -> None:
    refused = await post(client, CREATE, input={"name": "", "classKey": "service"})
    assert refused.json()["data"]["createConfigurationItem"]["userErrors"]
    assert AS_OF_HEADER not in refused.headers


REQUIRE = """mutation ($input: CreateRequirementInput!) {
  createRequirement(input: $input) { requirement { id title } userErrors { message } }
}"""
REQUIRED = "query ($id: ID!) { requirement(id: $id) { title } }"


async def test_a_token_of_the_second_database_goes_past_the_cache(
    client: httpx.AsyncClient, postgres: EmbeddedPostgres
) -> None:
    made = await post(client, REQUIRE, input={"key": "read-your-writes", "title": "Up"})
    requirement = made.json()["data"]["createRequirement"]["requirement"]
    assert made.headers[AS_OF_HEADER] == made.json()["extensions"]["asOf"] == "w0"
    assert (await post(client, REQUIRED, id=requirement["id"])).json()["data"]["requirement"]["title"] == "Up"
    # Now cached; then somebody writes who can't make it a miss.
    with psycopg.connect(postgres.url("requirements")) as connection:
        connection.execute("UPDATE requirements SET title = 'Up always' WHERE key = 'read-your-writes'")
    assert (await post(client, REQUIRED, id=requirement["id"])).json()["data"]["requirement"]["title"] == "Up"
    seeing = await post(client, REQUIRED, made.headers[AS_OF_HEADER], id=requirement["id"])
    assert seeing.json()["data"]["requirement"]["title"] == "Up always"
    assert seeing.headers[AS_OF_HEADER] == "w0"
    with psycopg.connect(postgres.url("requirements")) as connection:
        connection.execute("DELETE FROM requirements WHERE key = 'read-your-writes'")
