"""Similar past incidents: exact ranks with their reasons, resolutions, permissions, and what they cost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceUnavailable
from datasources.graph.recursive.adapter import RecursiveGraph
from resolvers.incident_help.similar_incidents import find_similar_incidents
from resolvers.incidents.loaders import IncidentByNumber
from tests.fixtures.answers import RACK, REDIS, REDIS_01, SHOP, Library, open_library
from tests.fixtures.databases import Answered
from tests.fixtures.operations import INCIDENT, TEAM, uuid

SIMILAR = """query ($number: String!, $first: Int! = 5) { incident(number: $number) { similarIncidents(first: $first) {
    rank textRank sameClass sharedItems { name } neighbours { name }
    resolution resolutionCode resolvedAt secondsToResolve incident { number } } } }"""
NUMBERS = "query ($n: String!, $first: Int! = 20) { incident(number: $n) { similarIncidents(first: $first) { rank } } }"

# Number: (title, description, state, restricted, items)
PAST: dict[str, tuple[str, str, str, bool, list[str]]] = {
    "INC10": ("Redis lost its primary again", "Promoted the replica.", "RESOLVED", False, []),
    "INC11": ("Memory of a node is full", "", "CLOSED", False, [REDIS]),
    "INC12": ("Node is cold", "", "CLOSED", False, [REDIS_01]),
    "INC13": ("Redis lost its primary", "Still broken", "IN_PROGRESS", False, [REDIS]),
    "INC14": ("Redis lost its primary", "Opened by mistake", "CANCELLED", False, [REDIS]),
    "INC15": ("Redis lost its primary replica", "sealedword", "RESOLVED", True, [REDIS]),
    "INC16": ("Coffee machine", "Nothing in common", "CLOSED", False, [RACK]),
    "INC17": ("Redis lost its primary", "", "CLOSED", False, [SHOP, REDIS]),
}
INSERT = """INSERT INTO incidents (id, number, title, description, state, restricted_team_id, resolution_code,
                                   resolution, opened_at, reopened_at, resolved_at)
            VALUES (%(id)s, %(number)s, %(title)s, %(description)s, %(state)s, %(team)s, 'fixed',
                    'Solution of ' || %(number)s, '2026-01-01T00:00Z',
                    CASE WHEN %(number)s = 'INC11' THEN timestamptz '2026-01-01T00:50Z' END,
                    CASE WHEN %(number)s <> 'INC12' THEN timestamptz '2026-01-01T01:00Z' END)"""


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "similar_incidents") as opened:
        with psycopg.connect(opened.urls[0], autocommit=True) as connection:
            for nth, (number, (title, description, state, restricted, items)) in enumerate(PAST.items(), 10):
                row: dict[str, str | None] = {
                    "id": uuid(INCIDENT, nth),
                    "number": number,
                    "title": title,
                    "description": description,
                }
                values = row | {"state": state, "team": uuid(TEAM, 1) if restricted else None}
                connection.execute(INSERT, values)
                for item in items:
                    link = (uuid(INCIDENT, nth), item)
                    connection.execute("INSERT INTO incident_configuration_items VALUES (%s, %s, 'AFFECTED')", link)
        yield opened


def ranks(answered: Answered) -> list[tuple[str, int | None, list[str], list[str], bool]]:
    """The similar incidents: number, rank by words, names of shared items and of neighbours, and class."""
    assert answered.errors == []
    found = answered.data["incident"]["similarIncidents"]
    assert [each["rank"] for each in found] == list(range(1, len(found) + 1))
    return [
        (
            each["incident"]["number"],
            each["textRank"],
            [item["name"] for item in each["sharedItems"]],
            [item["name"] for item in each["neighbours"]],
            each["sameClass"],
        )
        for each in found
    ]


async def test_similar_incidents_have_words_or_items_in_common(library: Library) -> None:
    assert ranks(await library.ask(SIMILAR, number="INC1")) == [
        ("INC17", 2, ["redis"], ["shop"], True),
        ("INC10", 1, [], [], False),
        ("INC11", None, ["redis"], [], True),
        # Of the same class, unlike INC12, which is newer.
        ("INC2", None, [], ["shop"], True),
        ("INC12", None, [], ["redis-01"], False),
    ]


async def test_a_similar_incident_says_how_it_was_resolved(library: Library) -> None:
    answered = await library.ask(SIMILAR, number="INC1")
    resolved = {
        each["incident"]["number"]: (
            each["resolution"], each["resolutionCode"], each["resolvedAt"], each["secondsToResolve"],
        )
        for each in answered.data["incident"]["similarIncidents"]
    }  # fmt: skip
    assert resolved["INC17"] == ("Solution of INC17", "fixed", "2026-01-01T01:00:00+00:00", 3_600)
    # It was reopened after 50 minutes.
    assert resolved["INC11"] == ("Solution of INC11", "fixed", "2026-01-01T01:00:00+00:00", 600)
    assert resolved["INC12"] == ("Solution of INC12", "fixed", None, None)


async def test_an_incident_is_not_similar_to_itself(library: Library) -> None:
    numbers = [number for number, *_ in ranks(await library.ask(SIMILAR, number="INC17", first=20))]
    assert numbers == ["INC10", "INC11", "INC2", "INC12"]


async def test_a_restricted_incident_is_similar_only_for_its_team(library: Library) -> None:
    outside = await library.ask(SIMILAR, "platform", number="INC1", first=20)
    assert "INC15" not in repr(outside.data)
    for inside in (
        await library.ask(SIMILAR, "security", number="INC1"),
        await library.ask(SIMILAR, number="INC1", also="incidents:read-restricted"),
    ):
        assert ranks(inside)[:2] == [("INC15", 2, ["redis"], [], True), ("INC17", 3, ["redis"], ["shop"], True)]


async def test_a_hidden_incident_changes_no_rank(library: Library) -> None:
    before = await library.ask(SIMILAR, number="INC1", first=20)
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        unlink = "DELETE FROM incident_configuration_items WHERE incident_id = %s RETURNING *"
        rows = connection.execute(unlink, (uuid(INCIDENT, 15),)).fetchall()
        connection.execute("UPDATE incidents SET title = repeat('primary lost ', 50) WHERE number = 'INC15'")
    try:
        assert (await library.ask(SIMILAR, number="INC1", first=20)).data == before.data
    finally:
        with psycopg.connect(library.urls[0], autocommit=True) as connection:
            connection.execute("UPDATE incidents SET title = %s WHERE number = 'INC15'", (PAST["INC15"][0],))
            for row in rows:
                connection.execute("INSERT INTO incident_configuration_items VALUES (%s, %s, %s)", row)


async def test_incidents_of_a_list_share_their_statements(library: Library) -> None:
    one = await library.ask(NUMBERS, n="INC1")
    many = await library.ask("{ incidents { nodes { similarIncidents { rank } } } }", also="incidents:read-restricted")
    # The incident, its words and its items; incidents of items and neighbours; items and rows of what was found.
    assert (one.sql, many.sql) == (6, 6)
    assert len(many.data["incidents"]["nodes"]) == 11


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("configuration-items:read", [("INC10", 1), ("INC17", 2)]),
        ("relationships:read", [("INC17", 2), ("INC10", 1), ("INC11", None)]),
    ],
)
async def test_items_and_neighbours_need_their_permissions(
    library: Library, permission: str, expected: list[tuple[str, int | None]]
) -> None:
    document = """{ incident(number: "INC1") { similarIncidents { textRank sameClass incident { number } } } }"""
    answered = await library.ask(document, without=permission)
    assert answered.errors == []
    found = answered.data["incident"]["similarIncidents"]
    assert [(each["incident"]["number"], each["textRank"]) for each in found] == expected
    assert any(each["sameClass"] for each in found) is (permission == "relationships:read")


class LostGraph(RecursiveGraph):
    """A graph whose server does not answer."""

    async def reach(self, *_: object) -> Any:
        raise SourceUnavailable("graph", "no answer")


async def test_without_the_graph_there_are_no_neighbours(library: Library) -> None:
    lost = replace(library, sources=replace(library.sources, graph=LostGraph(library.sources.main)))
    context = lost.context()
    incident = await context.loader(IncidentByNumber).load("INC1")
    assert incident is not None
    found = await find_similar_incidents(context, incident, 5)
    assert context.request.degraded == {"graph"}
    assert [each.incident.number for each in found] == ["INC17", "INC10", "INC11"]


@pytest.mark.parametrize(("first", "code"), [(0, "BAD_USER_INPUT"), (21, "LIMIT_EXCEEDED")])
async def test_the_number_of_similar_incidents_is_bounded(library: Library, first: int, code: str) -> None:
    answered = await library.ask(NUMBERS, n="INC1", first=first)
    assert (answered.data, answered.codes) == ({"incident": {"similarIncidents": None}}, [code])
    assert len((await library.ask(NUMBERS, n="INC1", first=1)).data["incident"]["similarIncidents"]) == 1


@pytest.mark.parametrize("title", ["' \\ \\' & | ! :* <->", "the of and", "ÄÖ é 漢字 🦆", "x" * 2_000, "a'b\\c d:e*f"])
async def test_odd_texts_are_texts(library: Library, title: str) -> None:
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        connection.execute("UPDATE incidents SET title = %s WHERE number = 'INC13'", (title,))
    try:
        answered = await library.ask(NUMBERS, n="INC13")
        assert (answered.errors, len(answered.data["incident"]["similarIncidents"])) == ([], 4)
    finally:
        with psycopg.connect(library.urls[0], autocommit=True) as connection:
            connection.execute("UPDATE incidents SET title = %s WHERE number = 'INC13'", (PAST["INC13"][0],))
