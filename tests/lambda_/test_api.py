"""The API as AWS runs it: API Gateway's events in, answers out, over freeze and thaw."""

import asyncio
import hashlib
import json
import re
from typing import Any

from cdk.bundle import ROOT
from tests.fixtures.demo import answer_to
from tests.fixtures.spans import PARENT, TRACE, daemon
from tests.lambda_.conftest import Landscape, Start
from tests.lambda_.runtime import Function, gateway_event

HANDLER = "app.handler"

# The first document that README.md shows.
MISSION = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
TEAMS = "{ teams(first: 1) { nodes { key } } }"


async def ask(function: Function, document: str, token: str) -> tuple[int, dict[str, Any]]:
    reply = await asyncio.to_thread(function.call, gateway_event({"query": document}, token=token))
    assert reply.error is None, function.said()
    return reply.result["statusCode"], json.loads(reply.result["body"])


async def test_the_document_of_the_readme_is_answered(
    start: Start, landscape: Landscape, demo: tuple[str, str]
) -> None:
    function = start(HANDLER, landscape.variables)
    status, body = await ask(function, MISSION, landscape.key)
    assert status == 200
    assert "errors" not in body
    assert body["data"] == (await answer_to(demo, MISSION, {}))["data"]
    assert "degraded" not in body["extensions"]
    assert [gate.seen > 0 for gate in landscape.gates] == [True] * 4


async def test_sources_are_opened_once_an_instance(start: Start, landscape: Landscape) -> None:
    function = start(HANDLER, landscape.variables)
    await ask(function, MISSION, landscape.key)
    # Those that one document needs at once, so that the second needs no more.
    seen = [gate.seen for gate in landscape.gates]
    for _ in range(3):
        assert (await ask(function, MISSION, landscape.key))[0] == 200
    assert [gate.seen for gate in landscape.gates] == seen


async def test_the_call_after_freeze_and_thaw_is_answered_though_every_socket_was_cut(
    start: Start, landscape: Landscape
) -> None:
    function = start(HANDLER, landscape.variables)
    before = await ask(function, MISSION, landscape.key)
    seen = [gate.seen for gate in landscape.gates]
    function.freeze()
    await landscape.forget()
    for gate in landscape.gates:
        await gate.shut()
        await gate.open()
    function.thaw()
    status, body = await ask(function, MISSION, landscape.key)
    assert (status, body["data"]) == (200, before[1]["data"])
    assert "errors" not in body
    assert "degraded" not in body["extensions"]
    assert [gate.seen > former for gate, former in zip(landscape.gates, seen, strict=True)] == [True] * 4


async def test_nobody_is_let_in_without_a_key(start: Start, landscape: Landscape) -> None:
    status, body = await ask(start(HANDLER, landscape.variables), TEAMS, "")
    assert (status, body["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_health_says_which_stores_answer(start: Start, landscape: Landscape) -> None:
    function = start(HANDLER, landscape.variables)
    reply = await asyncio.to_thread(function.call, gateway_event(None, path="/health/ready"))
    told = json.loads(reply.result["body"])
    assert reply.result["statusCode"] == 200
    assert {store["name"]: store["reachable"] for store in told["stores"]} == {
        "main": True, "requirements": True, "graph": True, "cache": True
    }  # fmt: skip


async def test_a_document_is_found_by_its_hash_through_the_gateway(start: Start, landscape: Landscape) -> None:
    function = start(HANDLER, landscape.variables)
    text = "{ __schema { queryType { name } } }"
    named = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}
    event = gateway_event(None, token=landscape.key, query={"extensions": json.dumps(named)})
    unknown = (await asyncio.to_thread(function.call, event)).result
    assert (unknown["statusCode"], unknown["headers"]["cache-control"]) == (400, "no-store")
    taught = gateway_event({"query": text, "extensions": named}, token=landscape.key)
    assert (await asyncio.to_thread(function.call, taught)).result["statusCode"] == 200
    first = (await asyncio.to_thread(function.call, event)).result
    assert (first["statusCode"], first["headers"]["cache-control"]) == (200, "no-store")
    assert json.loads(first["body"])["data"] == {"__schema": {"queryType": {"name": "Query"}}}


async def test_x_ray_is_told_of_each_store_under_the_segment_of_the_invocation(
    start: Start, landscape: Landscape
) -> None:
    with daemon() as listening:
        traced = {"STACKFLOW_TRACES": "xray", "AWS_XRAY_DAEMON_ADDRESS": listening.address}
        function = start(HANDLER, landscape.variables | traced)
        event = gateway_event({"query": MISSION}, token=landscape.key)
        reply = await asyncio.to_thread(function.call, event)
        found = [json.loads(datagram.partition(b"\n")[2]) for datagram in listening.received()]
    asked = {name.lower(): value for name, value in reply.result["headers"].items()}["x-stackflow-request-id"]
    [call] = found
    assert (call["trace_id"], call["parent_id"]) == (f"1-{TRACE[:8]}-{TRACE[8:]}", PARENT)
    assert {part["name"] for part in call["subsegments"]} >= {"PostgreSQL main", "Neptune", "Redis"}
    assert {part["annotations"]["request_id"] for part in (call, *call["subsegments"])} == {asked}
