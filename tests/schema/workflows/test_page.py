"""The page on workflows: its example does what it says, and its tables are what the code knows."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context
from resolvers.workflows.checking.expressions import CAUSE_FIELDS, INCIDENT_FIELDS, RUN_FIELDS
from resolvers.workflows.definition import CONFIGURATIONS, TriggerEvent
from resolvers.workflows.expressions.syntax_tree import COMPREHENSIONS, FUNCTIONS, METHODS
from resolvers.workflows.use_cases import STATE_MACHINE
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.operations import Operations, opened
from tests.fixtures.workflows import AUTHOR

PAGE = (Path(__file__).parents[3] / "docs" / "workflows.md").read_text()


@pytest.fixture(scope="module")
async def operations(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "workflow_definitions_page") as operations:
        yield operations


def table(title: str) -> list[list[str]]:
    """The rows of the first table under a title, without its head."""
    lines = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


async def test_the_example_drafts_a_workflow_without_problems(operations: Operations) -> None:
    [document] = re.findall(r"```graphql\n(.*?)```", PAGE, re.DOTALL)
    context = Context(AUTHOR, AUTHOR.scope, operations.sources, RequestContext())
    body = (await execute_request(GraphQLRequest(document, {}), context, DocumentLimits())).body
    shown = body["data"]["createWorkflow"]
    assert shown["userErrors"] == []
    assert (shown["workflow"]["state"], shown["workflow"]["problems"]) == ("DRAFT", [])


def test_the_steps_of_a_revision() -> None:
    told = {row[0].strip("`"): row[1] for row in table("Revisions")}
    assert told.pop("createWorkflow") == ""
    assert told == {name: ", ".join(step.origins) for name, step in STATE_MACHINE.transitions.items()}


def test_the_kinds_and_the_events() -> None:
    assert [row[0] for row in table("Steps")] == [kind.value for kind in CONFIGURATIONS]
    assert [row[0].strip("`") for row in table("Triggers")] == list(TriggerEvent.__members__)


def test_the_names_and_functions_of_expressions() -> None:
    told = {row[0].strip("`"): tuple(re.findall(r"`(\w+)`", row[1])) for row in table("Expressions")}
    assert (told["incident"], told["cause"], told["run"]) == (INCIDENT_FIELDS, CAUSE_FIELDS, RUN_FIELDS)
    [functions] = re.findall(r"Functions: (.*?)At most", PAGE, re.DOTALL)
    named = set(re.findall(r"`(\w+)", functions))
    assert named == METHODS.keys() | FUNCTIONS.keys() | COMPREHENSIONS | {"has"}
