"""The page on workflow runs: its messages are those that are sent and understood, its states those that there are."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.factory import open_queues
from datasources.records.workflow_runs import WorkflowRunState, WorkflowStepRunState
from datasources.records.workflows import WorkflowStepKind
from resolvers.events.parser import parse_event
from resolvers.workflow_runs.scheduler import send_messages, walk_failures
from tests.fixtures.events import NOON
from tests.fixtures.operations import INCIDENT, ITEM, uuid
from tests.fixtures.runs import Runs, runs_opened, step
from workers.workflows import outgoing_queues

PAGE = (Path(__file__).parents[3] / "docs" / "workflow-runs.md").read_text()
MESSAGE, EVENT = (json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_page") as opened:
        yield opened


async def test_the_message_is_one_that_is_sent(runs: Runs) -> None:
    mend = step("mend", "REMEDIATION", action="mend", timeout=60)
    await runs.start(runs.publish(mend), incident_id=uuid(INCIDENT, 1), configuration_item_id=uuid(ITEM, 1))
    sources = runs.operations.sources
    await walk_failures(sources)
    queues = open_queues(sources.main)
    await send_messages(sources, outgoing_queues(queues))
    [message] = await queues.remediation_standard.receive(1, 0)
    body = json.loads(message.body)
    assert {key: type(value) for key, value in body.items()} == {key: type(value) for key, value in MESSAGE.items()}
    assert body["replyWith"] == MESSAGE["replyWith"] == EVENT["type"]


def test_the_event_is_one_that_is_understood() -> None:
    event = EVENT | {"time": NOON.isoformat(), "data": EVENT["data"] | {"id": "01890000-0000-7000-8000-000000000000"}}
    assert parse_event(json.dumps(event).encode(), NOON).data.outcome == {"promoted": "redis-03"}


def test_every_state_and_kind_is_told_of() -> None:
    told = PAGE.split("## States")[1].split("\n## ")[0]
    for names in (WorkflowRunState, WorkflowStepRunState, WorkflowStepKind):
        assert [each for each in names if each not in told] == []
