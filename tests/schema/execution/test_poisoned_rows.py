"""Stored values that nobody can show: an error of their fields alone, in every list, item, search, walk and stream."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from datasources.sources import Sources, open_sources
from tests.fixtures.databases import READER, ask, create_database, person
from tests.fixtures.poison import DEEP, LARGE_NUMBER, id_of, poisoned
from tests.fixtures.selections import everything
from tests.fixtures.stream_stores import clients
from tests.fixtures.streaming import People, application, stream

ALL = person(*READER, "feed:read", "relationships:read", "impact:read", "alerts:read")

POISON = {
    "a large number and infinity": (LARGE_NUMBER, "infinity"),
    "deep and before Christ": (DEEP, "0044-03-15 BC"),
    "deep and after the calendar": (DEEP, "10000-01-01"),
}


@pytest.fixture(scope="module", params=POISON)
def url(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    return poisoned(postgres, f"poisoned_{list(POISON).index(request.param)}", *POISON[request.param])


@pytest.fixture(scope="module")
def requirements(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, "poisoned_requirements", "requirements")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path_factory.mktemp("poisoned") / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def sources(url: str, requirements: str, valkey: EmbeddedValkey) -> AsyncIterator[Sources]:
    opened = open_sources(
        PostgresSettings(url), PostgresSettings(requirements), CacheSettings(url=valkey.url), GraphSettings()
    )
    yield opened
    await opened.close()


def nodes(name: str) -> str:
    return f"{{ nodes {everything(name, 1)} edges {{ cursor }} pageInfo {{ endCursor }} }}"


ITEM, INCIDENT, CHANGE = everything("ConfigurationItem", 1), everything("Incident", 1), everything("Change", 1)
ACTIVITY, ALERT = everything("IncidentActivity", 1), everything("Alert", 1)
WORKFLOW, STEP = everything("Workflow", 1), everything("WorkflowStep", 1)
RUN, STEP_RUN, APPROVAL = (everything(f"Workflow{name}", 1) for name in ("Run", "StepRun", "Approval"))
ANY = " ".join(
    f"... on {name} {everything(name, 1, frozenset(CLASHING))}"
    for name, CLASHING in {
        "ConfigurationItem": {"status"}, "Incident": {"state", "priority"}, "Change": {"state", "priority"},
        "Relationship": set(), "Workflow": {"state", "inputs"}, "WorkflowRun": {"state", "priority", "inputs"},
    }.items()
)  # fmt: skip
CI = f"ci_{id_of(1)}"

# Documents, and the fields of them whose values can't be shown.
DOCUMENTS: dict[str, tuple[str, set[str]]] = {
    "items": (f"{{ configurationItems {nodes('ConfigurationItem')} }}", {"attributes"}),
    "item": (f'{{ configurationItem(key: {{source: "cmdb", key: "a"}}) {ITEM} }}', {"attributes"}),
    "items by change": (
        f"{{ configurationItems(orderBy: {{field: VALID_FROM}}) {nodes('ConfigurationItem')} }}", {"attributes"}
    ),
    "neighbours": (
        f'{{ configurationItem(id: "{CI}") {{ neighbours {{ edges {{ relationship {everything("Relationship", 1)} }} '
        f"nodes {ITEM} }} }} }}", {"attributes"},
    ),
    "dependents": (
        f'{{ configurationItem(id: "ci_{id_of(2)}") {{ dependents {{ nodes {ITEM} }} impact {{ nodes {ITEM} }} }} }}',
        {"attributes"},
    ),
    "impact": (f'{{ impact(of: ["ci_{id_of(2)}"]) {{ totals {{ failing }} nodes {ITEM} }} }}', {"attributes"}),
    "paths": (
        f'{{ paths(from: "{CI}", to: "ci_{id_of(2)}", direction: DEPENDENCIES) {{ paths {{ nodes {ITEM} }} }} }}',
        {"attributes"},
    ),
    "incidents": (f"{{ incidents {nodes('Incident')} }}", {"attributes", "openedAt", "resolvedAt"}),
    "incident": (
        f'{{ incident(number: "INC1") {{ activities {ACTIVITY} alerts {ALERT} '
        f"configurationItems {{ nodes {ITEM} }} }} }}",
        {"attributes", "happenedAt", "labels", "annotations", "startsAt"},
    ),
    "changes": (f"{{ changes {nodes('Change')} }}", {"plannedStart", "plannedEnd"}),
    "change": (f'{{ change(number: "CHG1") {CHANGE} }}', {"plannedStart", "plannedEnd"}),
    "workflows": (f"{{ workflows {nodes('Workflow')} }}", {"trigger", "inputs"}),
    "workflow": (
        f'{{ workflow(id: "wf_{id_of(1)}") {{ steps {STEP} problems {{ message }} }} }}', {"configuration"}
    ),
    "runs": (f"{{ workflowRuns {nodes('WorkflowRun')} }}", {"inputs", "startedAt", "finishedAt"}),
    "run": (
        f'{{ workflowRun(number: "RUN1") {{ stepRuns {{ startedAt outcome approvals {APPROVAL} }} }} }}',
        {"startedAt", "outcome", "decidedAt"},
    ),
    "nodes": (
        f'{{ nodes(ids: ["{CI}", "inc_{id_of(1)}", "chg_{id_of(1)}", "rel_{id_of(1)}"]) {{ id {ANY} }} }}',
        {"attributes", "openedAt", "resolvedAt", "plannedStart", "plannedEnd"},
    ),
    "search": (
        f'{{ search(text: "poisoned", first: 50) {{ results {{ title node {{ id {ANY} }} }} }} }}',
        {"attributes", "openedAt", "resolvedAt", "plannedStart", "plannedEnd", "trigger"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_what_can_not_be_shown_is_an_error_of_its_field_alone(sources: Sources, name: str) -> None:
    document, fields = DOCUMENTS[name]
    # The second one comes from the cache, where it is cached at all.
    for _ in range(2):
        answer = await ask(sources, document, ALL)
        assert set(answer.codes) == {"VALUE_UNREADABLE"}, answer.errors
        assert {error["path"][-1] for error in answer.errors} == fields
        for error in answer.errors:
            assert error["message"].startswith("the stored value can't be shown: the ")
            # Its field is there, and holds the nearest value of its type, or null.
            held = answer.data
            for part in error["path"]:
                held = held[part]
            last = "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"
            assert held in (None, {}, [], *last)


async def test_sound_rows_next_to_a_poisoned_one_are_as_they_are(sources: Sources) -> None:
    query = "{ configurationItems(orderBy: {field: NAME}) { totalCount nodes { name attributes } } }"
    answer = await ask(sources, query, ALL)
    assert answer.data["configurationItems"] == {
        "totalCount": 2,
        "nodes": [{"name": "poisoned item", "attributes": {}}, {"name": "sound item", "attributes": {"tier": 1}}],
    }
    assert [error["path"] for error in answer.errors] == [["configurationItems", "nodes", 0, "attributes"]]


async def test_pages_go_on_from_a_poisoned_row(sources: Sources) -> None:
    seen: list[str] = []
    after = None
    query = """query ($after: String) { incidents(first: 1, after: $after, orderBy: {field: OPENED_AT}) {
        nodes { number } pageInfo { endCursor hasNextPage } } }"""
    for _ in range(2):
        answer = await ask(sources, query, ALL, after=after)
        assert answer.errors == []
        page = answer.data["incidents"]
        seen += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert sorted(seen) == ["INC1", "INC2"]


async def test_a_stream_shows_a_poisoned_row_and_goes_on(sources: Sources, url: str) -> None:
    people = People(all=ALL, member=ALL, seer=ALL, services=ALL, nobody=ALL)
    query = "subscription { changes { node { ... on ConfigurationItem { name attributes } } } }"
    async with clients(application(sources, people)) as client, stream(client, query, "all") as events:
        await events.begun()
        with psycopg.connect(url, autocommit=True) as connection:
            for number in (1, 2):
                connection.execute("UPDATE configuration_items SET name = name WHERE id = %s", (id_of(number),))
                await asyncio.sleep(0.05)
        name, body = await events.next()
        assert (name, body["data"]["changes"]["node"]) == ("next", {"name": "poisoned item", "attributes": {}})
        assert [error["extensions"]["code"] for error in body["errors"]] == ["VALUE_UNREADABLE"]
        assert (await events.change())["node"] == {"name": "sound item", "attributes": {"tier": 1}}


async def test_a_feed_shows_a_poisoned_row(sources: Sources) -> None:
    begin = (await ask(sources, "{ changesSince { endCursor } }", ALL)).data["changesSince"]["endCursor"]
    async with sources.main.connection() as connection:
        await connection.execute("UPDATE configuration_items SET name = name")
    query = f"query ($cursor: String) {{ changesSince(cursor: $cursor) {{ entries {{ node {{ id {ANY} }} }} }} }}"
    answer = await ask(sources, query, ALL, cursor=begin)
    assert len(answer.data["changesSince"]["entries"]) == 2
    assert answer.codes == ["VALUE_UNREADABLE"]
