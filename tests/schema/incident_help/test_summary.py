"""The summary of an incident: exact sentences with their sources, each part only with its permission."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.incident_help.summary import MAX_QUOTE, IncidentSummary, describe_duration, summarise
from resolvers.incidents.loaders import IncidentByNumber
from tests.fixtures.answers import REDIS, SHOP, Library, open_library
from tests.fixtures.operations import INCIDENT, TEAM, uuid

NOW = datetime(2026, 3, 3, 5, tzinfo=UTC)
CHANGE = uuid("e", 1)
ROWS = f"""
INSERT INTO changes (id, number, title, state, version) VALUES
    ('{CHANGE}', 'CHG1', 'Firmware of redis', 'COMPLETED', 4);
UPDATE incidents SET change_id = '{CHANGE}', team_id = '{uuid(TEAM, 2)}', version = 3 WHERE number = 'INC1';
INSERT INTO incident_activities (id, incident_id, key, kind, body, happened_at) VALUES
    ('{uuid("f", 1)}', '{uuid(INCIDENT, 1)}', '1', 'Open', 'First', '2026-03-01T00:00Z'),
    ('{uuid("f", 2)}', '{uuid(INCIDENT, 1)}', '2', 'Assignment', '', '2026-03-01T00:01Z'),
    ('{uuid("f", 3)}', '{uuid(INCIDENT, 1)}', '3', 'Note', 'Second', '2026-03-01T00:02Z'),
    ('{uuid("f", 4)}', '{uuid(INCIDENT, 1)}', '4', 'Note', 'Third\nline.', '2026-03-01T00:03Z'),
    ('{uuid("f", 5)}', '{uuid(INCIDENT, 1)}', '5', 'Note', '{"long " * 100}', '2026-03-01T00:04Z');
INSERT INTO incidents (id, number, title, state, restricted_team_id, resolution_code, resolution, opened_at,
                       resolved_at, version) VALUES
    ('{uuid(INCIDENT, 10)}', 'INC10', 'Redis lost its primary before', 'CLOSED', NULL, 'failover',
     'Promoted the replica', '2026-01-01T00:00Z', '2026-01-01T02:30Z', 9),
    ('{uuid(INCIDENT, 11)}', 'INC11', 'Redis lost its primary replica', 'CLOSED', '{uuid(TEAM, 1)}', '', 'sealedword',
     '2026-01-01T00:00Z', '2026-01-01T00:00:30Z', 1),
    ('{uuid(INCIDENT, 12)}', 'INC12', 'Memory is full', 'CLOSED', NULL, 'more', '', '2026-01-01T00:00Z', NULL, 1);
INSERT INTO incident_configuration_items (incident_id, configuration_item_id, role) VALUES
    ('{uuid(INCIDENT, 12)}', '{REDIS}', 'CAUSE'), ('{uuid(INCIDENT, 11)}', '{REDIS}', 'AFFECTED'),
    ('{uuid(INCIDENT, 11)}', '{SHOP}', 'AFFECTED');
"""
STATE = [
    "INC1 Redis lost its primary.",
    "It has priority 2, is new, and was opened 2 days ago, 2026-03-01 00:00 UTC.",
    "The team Platform works on it.",
]
ITEMS = ["redis is of the class Service and owned by the team Platform.", "1 item depends directly on redis: shop."]
CHANGES = ["It is related to the change CHG1 (completed): Firmware of redis."]
ACTIVITIES = [
    "2026-03-01 00:02 UTC, Note: Second.",
    "2026-03-01 00:03 UTC, Note: Third line.",
    f"2026-03-01 00:04 UTC, Note: {('long ' * 60).strip()} …",
]
RUNBOOK = ["A runbook, Fail over Redis > Promote: Promote the replica: redis-cli replicaof no one."]
SIMILAR = [
    "A similar incident, INC10 Redis lost its primary before. It was resolved after 2 hours: failover. "
    "Promoted the replica."
]
SUMMARY = """query ($number: String!) { incident(number: $number) { summary { text
    sentences { text citations { number } }
    citations { number heading firstLine itemVersion incidentVersion activityId changeVersion
                document { key } item { name } incident { number } change { number } } } } }"""


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "summaries") as opened:
        with psycopg.connect(opened.urls[0], autocommit=True) as connection:
            connection.execute(ROWS.encode())
        yield opened


async def summary(library: Library, *teams: str, without: str = "", number: str = "INC1") -> IncidentSummary:
    context = library.context(*teams, without=without, also="changes:read")
    incident = await context.loader(IncidentByNumber).load(number)
    assert incident is not None
    return await summarise(context, incident, NOW)


async def texts(library: Library, *teams: str, without: str = "", number: str = "INC1") -> list[str]:
    return [each.text for each in (await summary(library, *teams, without=without, number=number)).sentences]


async def test_a_summary_says_what_is_known(library: Library) -> None:
    assert len(ACTIVITIES[2]) < MAX_QUOTE + 40
    assert await texts(library) == [*STATE, *ITEMS, *CHANGES, *ACTIVITIES, *RUNBOOK, *SIMILAR]
    assert await summary(library) == await summary(library)


async def test_each_sentence_has_its_source(library: Library) -> None:
    answered = await library.ask(SUMMARY, number="INC1", also="changes:read")
    assert answered.errors == []
    found: dict[str, Any] = answered.data["incident"]["summary"]
    assert [each["citations"][0]["number"] for each in found["sentences"]] == [1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8]
    empty = {
        "firstLine": None, "itemVersion": None, "incidentVersion": None, "activityId": None, "changeVersion": None,
        "document": None, "item": None, "incident": None, "change": None,
    }  # fmt: skip
    incident = {"heading": "INC1", "incidentVersion": 3, "incident": {"number": "INC1"}}
    assert found["citations"] == [
        empty | {"number": number} | source
        for number, source in enumerate(
            [
                incident,
                {"heading": "redis", "itemVersion": 7, "item": {"name": "redis"}},
                {"heading": "CHG1", "changeVersion": 4, "change": {"number": "CHG1"}},
                *(incident | {"activityId": uuid("f", activity)} for activity in (3, 4, 5)),
                {"heading": "Fail over Redis > Promote", "firstLine": 6, "document": {"key": "RB-REDIS"}},
                {"heading": "INC10", "incidentVersion": 9, "incident": {"number": "INC10"}},
            ],
            1,
        )
    ]
    lines = [f"{each['text']} [{each['citations'][0]['number']}]" for each in found["sentences"]]
    assert found["text"] == "\n".join(lines)


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        (
            "teams:read",
            [*STATE[:2], "redis is of the class Service.", ITEMS[1], *CHANGES, *ACTIVITIES, *RUNBOOK, *SIMILAR],
        ),
        ("configuration-items:read", [*STATE, *CHANGES, *ACTIVITIES, *RUNBOOK, *SIMILAR]),
        ("relationships:read", [*STATE, ITEMS[0], *CHANGES, *ACTIVITIES, *RUNBOOK, *SIMILAR]),
        ("changes:read", [*STATE, *ITEMS, *ACTIVITIES, *RUNBOOK, *SIMILAR]),
        ("documents:read", [*STATE, *ITEMS, *CHANGES, *ACTIVITIES, *SIMILAR]),
    ],
)
async def test_a_part_needs_its_permission(library: Library, permission: str, expected: list[str]) -> None:
    assert await texts(library, without=permission) == expected


async def test_restricted_incidents_and_runbooks_are_quoted_only_for_their_team(library: Library) -> None:
    for teams in ((), ("platform",), ("Security",)):
        outside = repr(await summary(library, *teams)).lower()
        assert [secret for secret in ("sealedword", "inc11", "breach", "passphrase") if secret in outside] == []
    inside = await texts(library, "security")
    assert inside[-1] == (
        "A similar incident, INC11 Redis lost its primary replica. "
        "It was resolved after less than a minute: sealedword."
    )


async def test_an_incident_with_nothing_but_a_neighbour_in_common_is_not_quoted(library: Library) -> None:
    similar = '{ incident(number: "INC2") { similarIncidents { incident { number } neighbours { name } } } }'
    assert (await library.ask(similar)).data["incident"]["similarIncidents"] == [
        {"incident": {"number": "INC12"}, "neighbours": [{"name": "redis"}]}
    ]
    found = await texts(library, number="INC2", without="documents:read")
    assert [each for each in found if each.startswith("A similar incident")] == []


async def test_an_incident_of_which_little_is_known_has_a_short_summary(library: Library) -> None:
    assert await texts(library, number="INC10", without="documents:read") == [
        "INC10 Redis lost its primary before.",
        "It has priority 3, is closed, and was opened 61 days ago, 2026-01-01 00:00 UTC.",
        "No team works on it.",
        "It was resolved: failover. Promoted the replica.",
    ]


async def test_summaries_of_a_list_share_their_statements(library: Library) -> None:
    one = await library.ask('{ incident(number: "INC1") { summary { text } } }', also="changes:read")
    many = await library.ask("{ incidents { nodes { summary { text } } } }", also="changes:read")
    all_ = await library.ask("{ incidents { nodes { summary { text } } } }", "security", also="changes:read")
    assert [len(each.data["incidents"]["nodes"]) for each in (many, all_)] == [4, 6]
    # Incidents without configuration items are a step ahead of others, so that some statements are needed twice.
    assert (one.sql, many.sql, all_.sql) == (19, 20, 21)


async def test_a_summary_needs_permission_to_read_incidents(library: Library) -> None:
    answered = await library.ask("{ incidents { nodes { summary { text } } } }", without="incidents:read")
    assert answered.codes == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"), (-5, "less than a minute"), (59.9, "less than a minute"), (60, "1 minute"),
        (3_599, "59 minutes"), (3_600, "1 hour"), (86_399, "23 hours"), (86_400, "1 day"), (1e8, "1,157 days"),
    ],
)  # fmt: skip
def test_a_duration_is_in_its_greatest_unit(seconds: float, text: str) -> None:
    assert describe_duration(seconds) == text
