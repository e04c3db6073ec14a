"""Copies of one snapshot, as SnapStart makes them: each answers, none shares what must be its own or is connected."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.lambda_.conftest import PYTHON, Landscape, Start
from tests.lambda_.runtime import gateway_event
from tests.lambda_.test_api import HANDLER, MISSION, ask

SNAPSHOT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


async def test_a_copy_answers_by_connections_of_its_own(start: Start, landscape: Landscape) -> None:
    function = start(HANDLER, landscape.variables | SNAPSHOT)
    await asyncio.to_thread(function.snapshot)
    assert [gate.seen for gate in landscape.gates] == [0] * 4
    function.freeze()
    function.thaw()
    function.restore()
    status, body = await ask(function, MISSION, landscape.key)
    assert (status, "errors" in body, "degraded" in body["extensions"]) == (200, False, False)
    assert [gate.seen > 0 for gate in landscape.gates] == [True] * 4


@pytest.mark.parametrize("handler", ["workers.events.handler", "workers.projection.handler"])
async def test_workers_can_be_copied_too(start: Start, landscape: Landscape, handler: str) -> None:
    function = start(handler, landscape.variables | SNAPSHOT)
    await asyncio.to_thread(function.snapshot)
    assert [gate.seen for gate in landscape.gates] == [0] * 4
    function.restore()
    reply = await asyncio.to_thread(function.call, {"Records": []})
    assert reply.error is None, function.said()


def copies(unfolded: Path, stores: dict[str, str], hooks: str) -> list[dict[str, str]]:
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(unfolded), "PYTHONDONTWRITEBYTECODE": "1", "_HANDLER": HANDLER,
        "AWS_LAMBDA_FUNCTION_NAME": "StackFlowAPI", "AWS_REGION": "us-east-1", **stores, **SNAPSHOT,
    }  # fmt: skip
    event = json.dumps(gateway_event({"query": "{ __typename }"}))
    command = [str(PYTHON), str(Path(__file__).with_name("copies.py")), hooks, event]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    return [first, second]


def test_what_copies_draw_differs(unfolded: Path, demo: tuple[str, str]) -> None:
    stores = {"DATABASE_URL": demo[0], "REQUIREMENTS_URL": demo[1], "REDIS_URL": "off"}
    first, second = copies(unfolded, stores, "with")
    assert first.pop("answer") == second.pop("answer") == "401"
    assert [name for name, value in first.items() if value == second[name]] == []


def test_without_the_hooks_copies_draw_the_same(unfolded: Path, demo: tuple[str, str]) -> None:
    """So that the test above is known to see it. Later ids differ by how many a millisecond has, and what comes
    from the machine's own generator differs all the same."""
    stores = {"DATABASE_URL": demo[0], "REQUIREMENTS_URL": demo[1], "REDIS_URL": "off"}
    first, second = copies(unfolded, stores, "without")
    assert (first["request"], first["random"]) == (second["request"], second["random"])
    assert first["generation"] != second["generation"]
