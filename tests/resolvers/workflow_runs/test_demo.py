"""The workflows of the demo: nothing is wrong with them, and a grave incident of a demo service starts one."""

from typing import Any

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from datasources.sources import open_sources
from demo.load import load_if_empty
from resolvers.context import Context
from resolvers.workflow_runs.triggers import run_round
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.databases import create_database
from tests.fixtures.demo import EVERYONE, answer_to, stores

OPEN = """mutation ($input: OpenIncidentInput!) { openIncident(input: $input) {
    userErrors { message } incident { id } } }"""
ITEM = "query ($key: IdentificationKeyInput!) { configurationItem(key: $key) { id } }"
RUNS = """query { workflowRuns(filter: {number: {startsWith: "RUN5"}}) { nodes {
    workflow { key } configurationItem { name } priority state stepRuns { step { key } state } } } }"""


async def test_nothing_is_wrong_with_them(demo: tuple[str, str]) -> None:
    body = await answer_to(demo, "{ workflows { nodes { key problems { field message } } } }", {})
    assert sorted((each["key"], each["problems"]) for each in body["data"]["workflows"]["nodes"]) == [
        ("grow-volume", []), ("redis-failover", []), ("rotate-token", []), ("service-outage", []),
    ]  # fmt: skip


async def test_a_grave_incident_of_a_service_or_a_cache_starts_one(postgres: EmbeddedPostgres) -> None:
    urls = create_database(postgres, "demo_triggers"), create_database(postgres, "demo_triggers_r", "requirements")
    sources = open_sources(*stores(*urls))

    async def ask(document: str, **variables: object) -> Any:
        context = Context(EVERYONE, EVERYONE.scope, sources, RequestContext())
        body = (await execute_request(GraphQLRequest(document, variables), context, DocumentLimits())).body
        assert body.get("errors", []) == []
        return body["data"]

    try:
        assert await load_if_empty(sources.main, sources.requirements) is not None
        assert await run_round(sources) == 0
        for source, key, impact in (("demo", "redis-persistent-03", 1), ("gitlab", "web", 1), ("gitlab", "api", 3)):
            found = await ask(ITEM, key={"source": source, "key": key})
            given = {"title": key, "impact": impact, "urgency": 1, "affectedIds": [found["configurationItem"]["id"]]}
            await ask(OPEN, input=given | {"category": "alert"})
        while await run_round(sources):
            pass
        told = await ask(RUNS)
    finally:
        await sources.close()
    nodes = told["workflowRuns"]["nodes"]
    assert sorted((each["workflow"]["key"], each["configurationItem"]["name"], each["priority"]) for each in nodes) == [
        ("service-outage", "GitLab.com Web", 1),
        ("service-outage", "Persistent Redis node 03", 1),
    ]
    # The channel is told, and the run waits for a yes.
    assert [[(each["step"]["key"], each["state"]) for each in node["stepRuns"]] for node in nodes] == [
        [("tell", "SUCCEEDED"), ("agree", "WAITING")],
        [("tell", "SUCCEEDED"), ("agree", "WAITING")],
    ]
