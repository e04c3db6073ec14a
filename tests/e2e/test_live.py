"""The page about the change feed is what a served process does, and a process with open streams stops."""

import asyncio
import json
import re
import shlex
from pathlib import Path

import httpx
import pytest

import app
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers import outbox_poller as tail
from resolvers import subscription_state as listening
from schema.http import server_sent_events as event_stream
from settings import Settings
from tests.e2e.test_application import settings
from tests.e2e.test_run import environment, serving
from tests.fixtures.databases import create_database
from tests.fixtures.streaming import Events

__all__ = ["settings"]

TIMES = ["", "once", "twice", "three", "four", "five"]
PAGE = (Path(__file__).parents[2] / "docs" / "change-feed.md").read_text()
CURL = re.search(r"```sh\n(curl .*?)```", PAGE, re.DOTALL)
MUTATION = 'mutation { createTeam(input: {key: "night", name: "Night"}) { userErrors { message } team { id } } }'


def documented(address: str) -> httpx.Request:
    """The request of the page, to this server."""
    assert CURL is not None
    words = shlex.split(CURL[1])
    assert words[:3] == ["curl", "-N", "http://127.0.0.1:8000/graphql/stream"]
    options = dict(zip(words[3::2], words[4::2], strict=True)) | {"-H": ""}
    headers = dict(word.split(": ") for flag, word in zip(words[3::2], words[4::2], strict=True) if flag == "-H")
    assert set(options) == {"-H", "-d"}
    url = words[2].replace("http://127.0.0.1:8000", address)
    return httpx.Request("POST", url, headers=headers, content=options["-d"])


async def test_the_request_of_the_page_hears_of_a_write_and_the_server_stops_with_it(
    postgres: EmbeddedPostgres, open_folder: Path
) -> None:
    url = create_database(postgres, "served_live")
    given = {"DATABASE_URL": url, "REQUIREMENTS_URL": postgres.url("requirements"), "REDIS_URL": "off"}
    with serving(environment(open_folder, **given)) as (process, address):
        async with httpx.AsyncClient(timeout=30) as client:
            reply = await client.send(documented(address), stream=True)
            assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            events = Events(reply)
            await events.begun()
            written = (await client.post(f"{address}/graphql", json={"query": MUTATION})).json()["data"]["createTeam"]
            assert written["userErrors"] == []
            change = await events.change()
            assert change == {
                "kind": "TEAM", "step": "CREATED", "id": written["team"]["id"], "cursor": events.cursor, "node": {},
            }  # fmt: skip
            process.terminate()
            with pytest.raises(EOFError):
                await events.next()
            await reply.aclose()
        # Running requests would have 10 seconds; a stream has no end to wait for.
        assert process.wait(8) == 0


def test_the_page_says_what_the_code_does() -> None:
    said = [
        f"after {listening.HEARTBEAT_SECONDS:.0f} seconds of silence",
        f"checked every {listening.REAUTHENTICATE_SECONDS:.0f} seconds",
        f"more than {tail.MAX_BUFFERED_ENTRIES:,} entries wait",
        f"reads nothing for {event_stream.WRITE_TIMEOUT_SECONDS:.0f} seconds",
        f"within {event_stream.CLOSE_TIMEOUT_SECONDS:.0f} seconds",
        f"reads the outbox {TIMES[round(1 / tail.POLL_SECONDS)]} times a second",
    ]
    assert [each for each in said if each not in " ".join(PAGE.split())] == []


def test_lambda_keeps_no_stream_open(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.main is not None
    assert settings.requirements is not None
    monkeypatch.setenv("DATABASE_URL", settings.main.url)
    monkeypatch.setenv("REQUIREMENTS_URL", settings.requirements.url)
    monkeypatch.setenv("REDIS_URL", "off")
    event = {
        "resource": "/graphql/stream", "path": "/graphql/stream", "httpMethod": "POST", "isBase64Encoded": False,
        "headers": {"content-type": "application/json", "accept": "text/event-stream"}, "multiValueHeaders": {},
        "queryStringParameters": None, "multiValueQueryStringParameters": None,
        "body": json.dumps({"query": "subscription { changes { id } }"}),
        "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
    }  # fmt: skip
    app._lambda_application.cache_clear()
    # Mangum runs in the loop of its thread; here it gets one that ends with the test.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        answered = app.handler(event, None)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        app._lambda_application.cache_clear()
    assert answered["statusCode"] == 501
    (error,) = json.loads(answered["body"])["errors"]
    assert error["message"] == "streams are not served here; poll changesSince, or send ask as a query"
