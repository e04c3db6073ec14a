"""The application as a whole: who may come in, by which name, and on Lambda."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

import app
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.api_keys import generate_api_key
from settings import Settings, load_settings

ASK = {"query": "{ viewer { name kind } }"}


@pytest.fixture
def settings(postgres: EmbeddedPostgres) -> Settings:
    return load_settings({
        "DATABASE_URL": postgres.url("stackflow"), "REQUIREMENTS_URL": postgres.url("requirements"), "REDIS_URL": "off",
    })  # fmt: skip


def client(application: Starlette, host: str = "127.0.0.1:8000") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url=f"http://{host}")


@pytest_asyncio.fixture(loop_scope="session")
async def key(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """An API key that may run free-form documents."""
    made = generate_api_key()
    with psycopg.connect(postgres.url("stackflow"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO api_keys (id, name, hash, permissions) VALUES (gen_random_uuid(), 'robot', %s, %s)",
            (made.hash, ["documents:free-form"]),
        )
        yield made.text
        connection.execute("DELETE FROM api_keys WHERE name = 'robot'")


async def test_the_developer_needs_no_key_on_loopback(settings: Settings) -> None:
    async with client(app.create_app(settings, on_loopback=True)) as local:
        assert (await local.post("/graphql", json=ASK)).json()["data"] == {
            "viewer": {"name": "Development", "kind": "DEVELOPMENT"}
        }


async def test_a_page_of_another_name_cannot_reach_the_developer(settings: Settings) -> None:
    async with client(app.create_app(settings, on_loopback=True), "rebound.example") as stranger:
        assert (await stranger.post("/graphql", json=ASK)).status_code == 400


async def test_the_documentation_is_on_loopback_only(settings: Settings) -> None:
    async with client(app.create_app(settings, on_loopback=True)) as local:
        assert "StackFlow" in (await local.get("/docs/")).text
    async with client(app.create_app(settings), "api.example") as remote:
        answer = await remote.get("/docs/")
        assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_nobody_comes_in_without_a_key_elsewhere(settings: Settings) -> None:
    async with client(app.create_app(settings), "api.example") as remote:
        refused = await remote.post("/graphql", json=ASK)
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_a_key_is_a_service_with_its_own_permissions(settings: Settings, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with client(app.create_app(settings), "api.example") as remote:
        answered = (await remote.post("/graphql", json=ASK, headers=headers)).json()
        assert answered["data"] == {"viewer": {"name": "robot", "kind": "SERVICE"}}
        denied = (await remote.post("/graphql", json={"query": "{ teams { totalCount } }"}, headers=headers)).json()
        assert [error["extensions"]["permission"] for error in denied["errors"]] == ["teams:read"]


def test_lambda_answers_a_gateway_event_and_knows_no_developer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.main is not None
    assert settings.requirements is not None
    monkeypatch.setenv("DATABASE_URL", settings.main.url)
    monkeypatch.setenv("REQUIREMENTS_URL", settings.requirements.url)
    monkeypatch.setenv("REDIS_URL", "off")
    event = {
        "resource": "/graphql", "path": "/graphql", "httpMethod": "POST", "isBase64Encoded": False,
        "headers": {"content-type": "application/json", "host": "127.0.0.1"}, "multiValueHeaders": {},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "body": json.dumps(ASK),
        "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
    }  # fmt: skip
    # Mangum runs in the loop of its thread; here it gets one that ends with the test.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        answered = app.handler(event, None)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    assert answered["statusCode"] == 401
