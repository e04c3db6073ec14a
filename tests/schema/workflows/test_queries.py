"""Workflows and their runs by GraphQL: revisions, steps, attempts, approvals, and what hangs on other types."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from tests.fixtures.databases import READER, ask, create_database, person, sources_of


def uuid(number: int) -> str:
    return f"0193aaaa-0000-7000-8000-{number:012d}"


SEED = f"""
INSERT INTO teams (id, key, name) VALUES ('{uuid(1)}', 'security', 'Security');
INSERT INTO users (id, key, name) VALUES ('{uuid(2)}', 'mia', 'Mia');
INSERT INTO configuration_item_classes VALUES ('service', NULL, 'Service', '');
INSERT INTO configuration_items (id, name, class_key) VALUES
    ('{uuid(10)}', 'redis', 'service'), ('{uuid(11)}', 'ledger', 'service');
INSERT INTO incidents (id, number, title, restricted_team_id) VALUES
    ('{uuid(20)}', 'INC1', 'Redis is slow', NULL), ('{uuid(21)}', 'INC2', 'Ledger tampered with', '{uuid(1)}');
INSERT INTO workflows (id, key, revision, name, state, updated_at) VALUES
    ('{uuid(30)}', 'restart', 1, 'Restart', 'PUBLISHED', '2026-01-01Z'),
    ('{uuid(31)}', 'restart', 2, 'Restart gently', 'PUBLISHED', '2026-01-02Z'),
    ('{uuid(32)}', 'restart', 3, 'Restart anew', 'DRAFT', '2026-01-03Z'),
    ('{uuid(33)}', 'audit', 1, 'Audit', 'RETIRED', '2026-01-04Z'),
    ('{uuid(34)}', 'audit', 2, 'Audit again', 'DRAFT', '2026-01-05Z');
INSERT INTO workflow_steps (id, workflow_id, key, position, name, kind, depends_on, configuration) VALUES
    ('{uuid(42)}', '{uuid(31)}', 'announce', 3, 'Tell everyone', 'NOTIFICATION', '{{restart,ask}}', '{{}}'),
    ('{uuid(40)}', '{uuid(31)}', 'ask', 1, 'Ask the owner', 'APPROVAL', '{{}}', '{{"needed": 1}}'),
    ('{uuid(41)}', '{uuid(31)}', 'restart', 2, 'Restart it', 'REMEDIATION', '{{ask}}', '{{}}');
INSERT INTO workflow_configuration_items VALUES
    ('{uuid(30)}', '{uuid(10)}'), ('{uuid(31)}', '{uuid(10)}'), ('{uuid(31)}', '{uuid(11)}');
INSERT INTO workflow_runs
    (id, number, workflow_id, incident_id, configuration_item_id, state, started_by_id, started_at, finished_at)
VALUES
    ('{uuid(50)}', 'RUN1', '{uuid(31)}', '{uuid(20)}', '{uuid(10)}', 'SUCCEEDED', '{uuid(2)}', '2026-02-01Z',
     '2026-02-02Z'),
    ('{uuid(51)}', 'RUN2', '{uuid(31)}', '{uuid(21)}', '{uuid(11)}', 'WAITING', NULL, '2026-02-03Z', NULL),
    ('{uuid(52)}', 'RUN3', '{uuid(30)}', NULL, '{uuid(10)}', 'FAILED', NULL, '2026-02-02Z', NULL);
INSERT INTO workflow_step_runs (id, run_id, step_id, state, attempt, started_at, outcome) VALUES
    ('{uuid(62)}', '{uuid(50)}', '{uuid(41)}', 'SUCCEEDED', 2, NULL, '{{"pid": 7}}'),
    ('{uuid(61)}', '{uuid(50)}', '{uuid(41)}', 'FAILED', 1, NULL, '{{"error": "busy"}}'),
    ('{uuid(60)}', '{uuid(50)}', '{uuid(40)}', 'SUCCEEDED', 1, '2026-02-01T10:00Z', '{{}}');
INSERT INTO workflow_approvals (id, step_run_id, user_id, decision, comment, decided_at) VALUES
    ('{uuid(70)}', '{uuid(60)}', '{uuid(2)}', 'APPROVED', 'Go ahead', '2026-02-01T11:00Z');
"""


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    main = create_database(postgres, "workflows_main")
    with psycopg.connect(main) as connection:
        connection.execute(SEED.encode())
    return main


@pytest.fixture(scope="module")
async def sources(url: str) -> AsyncIterator[Sources]:
    opened = sources_of(url, url)
    yield opened
    await opened.close()


async def read(sources: Sources, document: str, **options: Any) -> Any:
    answered = await ask(sources, document, **options)
    assert answered.errors == []
    return answered.data


@pytest.mark.parametrize(
    ("key", "revision"),
    [
        pytest.param("restart", 2, id="newest published, though a draft is newer"),
        pytest.param("audit", 2, id="newest where none is published"),
        pytest.param("none", None, id="unknown"),
    ],
)
async def test_a_key_gives_the_revision_in_force(sources: Sources, key: str, revision: int | None) -> None:
    data = await read(sources, "query ($key: String!) { workflow(key: $key) { revision } }", key=key)
    assert data["workflow"] == (None if revision is None else {"revision": revision})


async def test_steps_and_what_they_wait_for_are_one_statement(sources: Sources) -> None:
    answered = await ask(
        sources, '{ workflow(key: "restart") { steps { key kind configuration dependsOnKeys dependsOn { key } } } }'
    )
    assert answered.data["workflow"]["steps"] == [
        {"key": "ask", "kind": "APPROVAL", "configuration": {"needed": 1}, "dependsOnKeys": [], "dependsOn": []},
        {
            "key": "restart", "kind": "REMEDIATION", "configuration": {}, "dependsOnKeys": ["ask"],
            "dependsOn": [{"key": "ask"}],
        },
        {
            "key": "announce", "kind": "NOTIFICATION", "configuration": {}, "dependsOnKeys": ["restart", "ask"],
            "dependsOn": [{"key": "ask"}, {"key": "restart"}],
        },
    ]  # fmt: skip
    assert answered.sql == 2


RUN = """{ workflowRun(number: "RUN1") {
  state startedAt finishedAt startedBy { key } workflow { key revision } incident { number }
  configurationItem { name }
  stepRuns {
    state attempt startedAt finishedAt outcome step { key dependsOn { key } }
    approvals { decision comment decidedAt user { key } }
  }
} }"""


async def test_a_run_shows_its_attempts_and_decisions(sources: Sources) -> None:
    answered = await ask(sources, RUN)
    assert answered.errors == []
    run = answered.data["workflowRun"]
    attempts = run.pop("stepRuns")
    assert run == {
        "state": "SUCCEEDED", "startedAt": "2026-02-01T00:00:00+00:00", "finishedAt": "2026-02-02T00:00:00+00:00",
        "startedBy": {"key": "mia"}, "workflow": {"key": "restart", "revision": 2}, "incident": {"number": "INC1"},
        "configurationItem": {"name": "redis"},
    }  # fmt: skip
    assert [(each["step"]["key"], each["attempt"], each["state"], each["outcome"]) for each in attempts] == [
        ("ask", 1, "SUCCEEDED", {}),
        ("restart", 1, "FAILED", {"error": "busy"}),
        ("restart", 2, "SUCCEEDED", {"pid": 7}),
    ]
    assert [each["approvals"] for each in attempts] == [
        [
            {
                "decision": "APPROVED", "comment": "Go ahead", "decidedAt": "2026-02-01T11:00:00+00:00",
                "user": {"key": "mia"},
            }
        ],
        [],
        [],
    ]  # fmt: skip
    # The run; its workflow, incident, item, starter and attempts; steps and approvals; the steps waited for.
    assert answered.sql == 1 + 5 + 2 + 1


SECURITY = person(*READER, "feed:read", teams=["security"])
OUTSIDER = person(*READER, "feed:read")
EVERYWHERE = f"""{{
  byNumber: workflowRun(number: "RUN2") {{ state }}
  byId: workflowRun(id: "run_{uuid(51)}") {{ number }}
  node(id: "run_{uuid(51)}") {{ id }}
  nodes(ids: ["run_{uuid(51)}", "run_{uuid(52)}"]) {{ id }}
  workflowRuns {{ totalCount groups(by: STATE) {{ value count }} nodes {{ number }} }}
  filtered: workflowRuns(filter: {{id: {{eq: "run_{uuid(51)}"}}}}) {{ totalCount }}
  workflow(key: "restart") {{ runs {{ totalCount groups(by: STATE) {{ value count }} nodes {{ number }} }} }}
  configurationItem(id: "ci_{uuid(11)}") {{ workflowRuns {{ totalCount nodes {{ number }} }} }}
}}"""


async def test_a_run_for_a_restricted_incident_is_nowhere_outside_its_team(sources: Sources) -> None:
    outside = await read(sources, EVERYWHERE, principal=OUTSIDER)
    counted = [{"value": "FAILED", "count": 1}, {"value": "SUCCEEDED", "count": 1}]
    assert outside == {
        "byNumber": None, "byId": None, "node": None, "nodes": [None, {"id": f"run_{uuid(52)}"}],
        "workflowRuns": {"totalCount": 2, "groups": counted, "nodes": [{"number": "RUN3"}, {"number": "RUN1"}]},
        "filtered": {"totalCount": 0},
        "workflow": {"runs": {"totalCount": 1, "groups": counted[1:], "nodes": [{"number": "RUN1"}]}},
        "configurationItem": {"workflowRuns": {"totalCount": 0, "nodes": []}},
    }  # fmt: skip


async def test_its_team_meets_the_run_everywhere(sources: Sources) -> None:
    inside = await read(sources, EVERYWHERE, principal=SECURITY)
    waiting = {"value": "WAITING", "count": 1}
    succeeded = {"value": "SUCCEEDED", "count": 1}
    assert inside == {
        "byNumber": {"state": "WAITING"}, "byId": {"number": "RUN2"}, "node": {"id": f"run_{uuid(51)}"},
        "nodes": [{"id": f"run_{uuid(51)}"}, {"id": f"run_{uuid(52)}"}],
        "workflowRuns": {
            "totalCount": 3, "groups": [{"value": "FAILED", "count": 1}, succeeded, waiting],
            "nodes": [{"number": "RUN2"}, {"number": "RUN3"}, {"number": "RUN1"}],
        },
        "filtered": {"totalCount": 1},
        "workflow": {
            "runs": {
                "totalCount": 2, "groups": [succeeded, waiting], "nodes": [{"number": "RUN2"}, {"number": "RUN1"}],
            },
        },
        "configurationItem": {"workflowRuns": {"totalCount": 1, "nodes": [{"number": "RUN2"}]}},
    }  # fmt: skip


async def test_changes_of_the_run_are_told_to_its_team_only(sources: Sources, url: str) -> None:
    place = (await read(sources, "{ changesSince { endCursor } }", principal=OUTSIDER))["changesSince"]["endCursor"]
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE workflow_runs SET reason = reason")
    document = """query ($cursor: String) {
      changesSince(cursor: $cursor, kinds: [WORKFLOW_RUN]) { entries { id node { id } } } }"""
    told = []
    for who in (OUTSIDER, SECURITY):
        entries = (await read(sources, document, principal=who, cursor=place))["changesSince"]["entries"]
        assert all(each["node"] == {"id": each["id"]} for each in entries)
        told.append(sorted(each["id"] for each in entries))
    every = [f"run_{uuid(number)}" for number in (50, 51, 52)]
    assert told == [[every[0], every[2]], every]


async def test_runs_hang_on_workflows_items_and_incidents(sources: Sources) -> None:
    answered = await ask(
        sources,
        """{
          workflow(key: "restart") { runs { totalCount nodes { number } } configurationItems { nodes { name } } }
          configurationItems(orderBy: {field: NAME, direction: DESC}) { nodes {
            name workflows { nodes { revision } } workflowRuns { nodes { number } }
          } }
          incidents { nodes { number workflowRuns { nodes { number } } } }
        }""",
        SECURITY,
    )
    assert answered.errors == []
    assert answered.data["workflow"] == {
        "runs": {"totalCount": 2, "nodes": [{"number": "RUN2"}, {"number": "RUN1"}]},
        "configurationItems": {"nodes": [{"name": "ledger"}, {"name": "redis"}]},
    }
    assert answered.data["configurationItems"]["nodes"] == [
        {
            "name": "redis", "workflows": {"nodes": [{"revision": 1}, {"revision": 2}]},
            "workflowRuns": {"nodes": [{"number": "RUN3"}, {"number": "RUN1"}]},
        },
        {
            "name": "ledger", "workflows": {"nodes": [{"revision": 2}]},
            "workflowRuns": {"nodes": [{"number": "RUN2"}]},
        },
    ]  # fmt: skip
    assert sorted(answered.data["incidents"]["nodes"], key=lambda each: each["number"]) == [
        {"number": "INC1", "workflowRuns": {"nodes": [{"number": "RUN1"}]}},
        {"number": "INC2", "workflowRuns": {"nodes": [{"number": "RUN2"}]}},
    ]
    # Three roots; then runs, their count and items of the workflow, workflows and runs of items, runs of incidents.
    assert answered.sql == 3 + 6


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ('{key: {eq: "restart"}}', ["Restart", "Restart anew", "Restart gently"]),
        ("{state: {in: [RETIRED, DRAFT]}}", ["Audit", "Audit again", "Restart anew"]),
        ('{name: {startsWith: "audit"}}', ["Audit", "Audit again"]),
        ('{updatedAt: {gt: "2026-01-03T00:00:00Z"}}', ["Audit", "Audit again"]),
        ('{configurationItems: {some: {name: {eq: "ledger"}}}}', ["Restart gently"]),
        ('{configurationItems: {none: {}}, not: {key: {eq: "audit"}}}', ["Restart anew"]),
        (f'{{id: {{eq: "wf_{uuid(33)}"}}}}', ["Audit"]),
    ],
)
async def test_workflows_are_filtered(sources: Sources, filter_: str, names: list[str]) -> None:
    data = await read(sources, f"{{ workflows(filter: {filter_}) {{ totalCount nodes {{ name }} }} }}")
    assert [each["name"] for each in data["workflows"]["nodes"]] == names
    assert data["workflows"]["totalCount"] == len(names)


@pytest.mark.parametrize(
    ("filter_", "numbers"),
    [
        ("{state: {eq: WAITING}}", ["RUN2"]),
        ('{startedAt: {lt: "2026-02-03T00:00:00Z"}}', ["RUN3", "RUN1"]),
        ("{finishedAt: {isNull: false}}", ["RUN1"]),
        ('{number: {in: ["RUN1", "RUN3"]}}', ["RUN3", "RUN1"]),
        ("{workflow: {revision: null, state: {eq: PUBLISHED}}}", None),
        ('{workflow: {name: {eq: "Restart"}}}', ["RUN3"]),
        ('{configurationItem: {name: {eq: "redis"}}}', ["RUN3", "RUN1"]),
    ],
)
async def test_runs_are_filtered(sources: Sources, filter_: str, numbers: list[str] | None) -> None:
    answered = await ask(sources, f"{{ workflowRuns(filter: {filter_}) {{ nodes {{ number }} }} }}", SECURITY)
    if numbers is None:
        assert answered.codes == ["GRAPHQL_VALIDATION_FAILED"]
    else:
        assert [each["number"] for each in answered.data["workflowRuns"]["nodes"]] == numbers


async def test_orders_and_groups(sources: Sources) -> None:
    data = await read(
        sources,
        """{
          newest: workflows(first: 2, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { name } }
          workflows { groups(by: STATE) { value count } }
          byNumber: workflowRuns(orderBy: {field: NUMBER}, last: 1) { nodes { number } }
          workflowRuns { groups(by: STATE) { value count } }
        }""",
        principal=SECURITY,
    )
    assert data["newest"]["nodes"] == [{"name": "Audit again"}, {"name": "Audit"}]
    assert data["workflows"]["groups"] == [
        {"value": "DRAFT", "count": 2}, {"value": "PUBLISHED", "count": 2}, {"value": "RETIRED", "count": 1},
    ]  # fmt: skip
    assert data["byNumber"]["nodes"] == [{"number": "RUN3"}]
    assert data["workflowRuns"]["groups"] == [
        {"value": "FAILED", "count": 1}, {"value": "SUCCEEDED", "count": 1}, {"value": "WAITING", "count": 1},
    ]  # fmt: skip


async def test_both_are_nodes(sources: Sources) -> None:
    data = await read(
        sources, f'{{ nodes(ids: ["wf_{uuid(31)}", "run_{uuid(50)}", "wf_{uuid(99)}"]) {{ __typename id }} }}'
    )
    assert data["nodes"] == [
        {"__typename": "Workflow", "id": f"wf_{uuid(31)}"},
        {"__typename": "WorkflowRun", "id": f"run_{uuid(50)}"},
        None,
    ]


async def test_without_permission_each_link_is_null_by_itself(sources: Sources) -> None:
    answered = await ask(sources, RUN, person("workflows:read"))
    assert answered.codes == ["FORBIDDEN"] * 4
    assert {error["extensions"]["permission"] for error in answered.errors} == {
        "configuration-items:read", "incidents:read", "users:read",
    }  # fmt: skip
    run = answered.data["workflowRun"]
    assert (run["incident"], run["configurationItem"], run["startedBy"]) == (None, None, None)
    assert len(run["stepRuns"]) == 3
    for document in (
        "{ workflows { totalCount } }",
        "{ workflowRuns { totalCount } }",
        '{ workflow(key: "x") { id } }',
    ):
        refused = await ask(sources, document, person("incidents:read"))
        assert (refused.codes, refused.sql) == (["FORBIDDEN"], 0)
