"""Incidents written by mutation: exact rows, audit entries and outbox rows, and the rules that refuse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.incidents.state_machine import PRIORITY_MATRIX, derive_priority
from resolvers.principals.principal import PrincipalKind
from tests.fixtures.operations import opened
from tests.fixtures.writing import ADA, BOB, EVE, Writer, change, incident, item, somebody, team, user


@pytest.fixture(scope="module")
async def writing(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    async with opened(postgres, "incident_mutations") as operations:
        yield Writer(operations.sources, operations.url)


async def opened_by(writing: Writer, who: Any = ADA, **input: Any) -> Any:
    done = await writing.do("openIncident", who, **({"title": "Shop is slow"} | input))
    assert done.errors == []
    return done.shown


async def test_an_incident_is_opened_with_all_that_is_known(writing: Writer) -> None:
    shown = await opened_by(
        writing, title=" Shop is down ", description="No page loads.", impact=1, urgency=3, category="web",
        teamId=team(2), assigneeId=user(2), affectedIds=[item(2), item(1), item(2)], causeIds=[item(3)],
        changeId=change(3),
    )  # fmt: skip
    assert shown == {
        "id": shown["id"], "number": shown["number"], "title": "Shop is down", "description": "No page loads.",
        "state": "NEW", "impact": 1, "urgency": 3, "priority": 2, "category": "web", "restricted": False,
        "resolutionCode": "", "resolution": "", "openedAt": shown["openedAt"], "reopenedAt": None,
        "resolvedAt": None, "closedAt": None, "version": 1, "team": {"key": "platform"}, "assignee": {"key": "bob"},
        "change": {"number": "CHG3"},
        "activities": [{"kind": "Opened", "body": "", "team": None, "user": {"key": "ada"}}],
        "affected": {"nodes": [{"name": "ledger"}, {"name": "shop"}]}, "causes": {"nodes": [{"name": "redis"}]},
    }  # fmt: skip
    [audit], [outbox] = writing.left(shown["id"])
    assert audit[:3] == ("OpenIncident", "USER:ada", None)
    assert audit[3]["title"] == "Shop is down"
    assert audit[3]["affected"] == [item(1)[3:], item(2)[3:]]
    assert audit[3]["causes"] == [item(3)[3:]]
    assert outbox == ("INCIDENT", "CREATED", {}, True)


async def test_numbers_go_up_and_pass_over_imported_ones(writing: Writer) -> None:
    first = int((await opened_by(writing))["number"].removeprefix("INC"))
    assert first >= 5_000_001
    taken = ",".join(f"(gen_random_uuid(), 'INC{first + n}', 'imported')" for n in range(1, 6))
    writing.rows(f"INSERT INTO incidents (id, number, title) VALUES {taken}")
    # One step, then two, then four: the next free one after five taken is found by the third.
    assert (await opened_by(writing))["number"] == f"INC{first + 7}"
    numbers = [(await opened_by(writing))["number"] for _ in range(2)]
    assert numbers == [f"INC{first + 8}", f"INC{first + 9}"]


async def test_numbers_have_seven_digits_or_more(writing: Writer) -> None:
    last = writing.rows("SELECT last_value FROM incident_numbers")[0][0]
    try:
        writing.rows("SELECT setval('incident_numbers', 41)")
        assert (await opened_by(writing))["number"] == "INC0000042"
        writing.rows("SELECT setval('incident_numbers', 9999999)")
        assert (await opened_by(writing))["number"] == "INC10000000"
    finally:
        writing.rows(f"SELECT setval('incident_numbers', {last})")


async def test_incidents_opened_at_once_have_numbers_of_their_own(writing: Writer) -> None:
    opened_ = await asyncio.gather(*(opened_by(writing) for _ in range(8)))
    assert len({each["number"] for each in opened_}) == 8


@pytest.mark.parametrize(
    ("input", "codes"),
    [
        ({"title": "  "}, [("INVALID", "title")]),
        ({"impact": 0}, [("INVALID", "impact")]),
        ({"urgency": 6}, [("INVALID", "urgency")]),
        ({"teamId": team(9)}, [("NOT_FOUND", "teamId")]),
        ({"teamId": user(1)}, [("INVALID", "teamId")]),
        ({"assigneeId": user(9)}, [("NOT_FOUND", "assigneeId")]),
        ({"assigneeId": user(3)}, [("NOT_FOUND", "assigneeId")]),
        ({"teamId": team(1), "assigneeId": user(2)}, [("INVALID", "assigneeId")]),
        ({"restrictedTeamId": team(9)}, [("NOT_FOUND", "restrictedTeamId")]),
        ({"restrictedTeamId": team(2)}, [("INVALID", "restrictedTeamId")]),
        ({"changeId": change(9)}, [("NOT_FOUND", "changeId")]),
        ({"affectedIds": [item(1), item(9)]}, [("NOT_FOUND", "affectedIds")]),
        ({"causeIds": [item(9)]}, [("NOT_FOUND", "causeIds")]),
        ({"causeIds": [item(1), team(1)]}, [("INVALID", "causeIds.1")]),
        ({"affectedIds": [f"ci_00000000-0000-7000-8000-{n:012d}" for n in range(501)]}, [("INVALID", "affectedIds")]),
    ],
)
async def test_a_broken_rule_opens_nothing(writing: Writer, input: Any, codes: Any) -> None:
    before = writing.everything()
    done = await writing.do("openIncident", ADA, **({"title": "a"} | input))
    assert (done.shown, done.codes) == (None, codes)
    assert writing.everything() == before


async def test_what_is_said_changes_and_the_priority_follows(writing: Writer) -> None:
    id = (await opened_by(writing, impact=5, urgency=5))["id"]
    done = await writing.do("updateIncident", BOB, id=id, expectedVersion=1, title="Cart is slow", impact=1)
    assert {name: done.shown[name] for name in ("title", "impact", "urgency", "priority", "version")} == {
        "title": "Cart is slow", "impact": 1, "urgency": 5, "priority": 3, "version": 2,
    }  # fmt: skip
    [_, (action, principal, before, after)], outbox = writing.left(id)
    assert (action, principal) == ("UpdateIncident", "USER:bob")
    assert before.keys() == after.keys() == {"id", "title", "impact", "priority", "version", "updated_at"}
    assert (before["title"], before["impact"], before["priority"]) == ("Shop is slow", 5, 5)
    assert (after["title"], after["impact"], after["priority"]) == ("Cart is slow", 1, 3)
    assert [each[1] for each in outbox] == ["CREATED", "CHANGED"]
    assert [each["user"] for each in done.shown["activities"]] == [{"key": "ada"}, {"key": "bob"}]


async def test_a_priority_of_a_source_stays_until_somebody_judges_anew(writing: Writer) -> None:
    # INC1 came with priority 2, impact 3 and urgency 3.
    done = await writing.do("updateIncident", ADA, id=incident(1), expectedVersion=1, category="db")
    assert (done.shown["priority"], done.shown["category"]) == (2, "db")
    done = await writing.do("updateIncident", ADA, id=incident(1), expectedVersion=2, urgency=3)
    assert done.shown["priority"] == 3


@pytest.mark.parametrize("field", ["title", "description", "impact", "urgency", "category"])
async def test_null_is_nothing_to_say(writing: Writer, field: str) -> None:
    id = (await opened_by(writing))["id"]
    done = await writing.do("updateIncident", ADA, id=id, expectedVersion=1, **{field: None})
    assert (done.codes, writing.rows("SELECT version FROM incidents WHERE id = %s", id[4:])) == (
        [("INVALID", field)], [(1,)],
    )  # fmt: skip


def test_the_graver_the_higher() -> None:
    """The matrix is of 5 by 5, holds 1 to 5, is the same the other way round, and never falls as things get worse."""
    levels = range(1, 6)
    assert [len(row) for row in PRIORITY_MATRIX] == [5] * 5
    assert {derive_priority(i, u) for i in levels for u in levels} == set(levels)
    assert all(derive_priority(i, u) == derive_priority(u, i) for i in levels for u in levels)
    assert all(derive_priority(a, u) <= derive_priority(b, u) for u in levels for a, b in pairwise(levels))
    assert [derive_priority(n, n) for n in levels] == [1, 2, 3, 4, 5]


async def test_an_assignee_is_of_the_team(writing: Writer) -> None:
    id = (await opened_by(writing))["id"]
    done = await writing.do("assignIncident", ADA, id=id, expectedVersion=1, teamId=team(2))
    assert (done.shown["team"], done.shown["assignee"]) == ({"key": "platform"}, None)
    assert done.shown["activities"][-1] == {
        "kind": "Assigned", "body": "", "team": {"key": "platform"}, "user": {"key": "ada"},
    }  # fmt: skip
    done = await writing.do("assignIncident", ADA, id=id, expectedVersion=2, assigneeId=user(2))
    assert (done.shown["team"], done.shown["assignee"]) == ({"key": "platform"}, {"key": "bob"})
    done = await writing.do("assignIncident", ADA, id=id, expectedVersion=3, teamId=team(1))
    assert done.codes == [("INVALID", "assigneeId")]
    done = await writing.do("assignIncident", ADA, id=id, expectedVersion=3, teamId=team(1), assigneeId=None)
    assert (done.shown["team"], done.shown["assignee"], done.shown["version"]) == ({"key": "payments"}, None, 4)


async def test_a_note_is_an_activity_and_in_no_audit_entry(writing: Writer) -> None:
    id = (await opened_by(writing))["id"]
    done = await writing.do("addIncidentNote", BOB, id=id, expectedVersion=1, note=" Seen on Monday. ")
    assert done.shown["activities"][-1] == {
        "kind": "Note", "body": "Seen on Monday.", "team": None, "user": {"key": "bob"},
    }  # fmt: skip
    audit, outbox = writing.left(id)
    assert (len(audit), len(outbox)) == (2, 2)
    assert "Monday" not in str(audit) + str(outbox)
    assert (await writing.do("addIncidentNote", BOB, id=id, expectedVersion=2, note=" ")).codes == [("INVALID", "note")]


async def test_links_are_told_to_the_outbox_by_the_incident(writing: Writer) -> None:
    id = (await opened_by(writing, affectedIds=[item(1)]))["id"]
    both = [item(2), item(1)]
    done = await writing.do(
        "linkIncidentItems", ADA, id=id, expectedVersion=1, role="AFFECTED", configurationItemIds=both
    )
    assert done.shown["affected"] == {"nodes": [{"name": "ledger"}, {"name": "shop"}]}
    assert (done.shown["causes"], done.shown["version"]) == ({"nodes": []}, 2)
    wrong = await writing.do(
        "unlinkIncidentItems", ADA, id=id, expectedVersion=2, role="CAUSE", configurationItemIds=both
    )
    assert wrong.codes == [("NOT_FOUND", "configurationItemIds")]
    done = await writing.do(
        "unlinkIncidentItems", ADA, id=id, expectedVersion=2, role="AFFECTED", configurationItemIds=both
    )
    assert (done.shown["affected"], done.shown["version"]) == ({"nodes": []}, 3)
    audit, outbox = writing.left(id)
    assert [(after.get("linked"), after.get("unlinked")) for _, _, _, after in audit] == [
        (None, None), ([item(2)[3:]], None), (None, [item(1)[3:], item(2)[3:]]),
    ]  # fmt: skip
    assert [each[1] for each in outbox] == ["CREATED", "CHANGED", "CHANGED"]


async def test_one_of_many_writers_of_one_version_is_heard(writing: Writer) -> None:
    id = (await opened_by(writing))["id"]
    done = await asyncio.gather(
        *(writing.do("updateIncident", ADA, id=id, expectedVersion=1, title=f"t{n}") for n in range(6))
    )
    [winner] = [each for each in done if each.errors == []]
    losers = [each for each in done if each.errors]
    assert [each.codes for each in losers] == [[("CONFLICT", "expectedVersion")]] * 5
    assert {(each.shown["title"], each.shown["version"]) for each in losers} == {(winner.shown["title"], 2)}
    audit, outbox = writing.left(id)
    assert (len(audit), len(outbox), len(winner.shown["activities"])) == (2, 2, 2)


async def test_a_repeated_call_is_done_once(writing: Writer) -> None:
    input = {"title": "twice", "idempotencyKey": "k1"}
    done = await asyncio.gather(*(writing.do("openIncident", ADA, **input) for _ in range(4)))
    assert len({each.shown["id"] for each in done}) == 1
    id = done[0].shown["id"]
    step = {"id": id, "expectedVersion": 1, "idempotencyKey": "k2"}
    versions = [(await writing.do("startIncident", ADA, **step)).shown["version"] for _ in range(2)]
    assert versions == [2, 2]
    assert (await writing.do("holdIncident", ADA, **step)).codes == [("KEY_REUSED", "idempotencyKey")]
    assert writing.rows("SELECT count(*) FROM incident_activities WHERE incident_id = %s", id[4:]) == [(2,)]


async def test_a_program_of_the_name_of_a_person_is_not_that_person(writing: Writer) -> None:
    program = somebody("ada", kind=PrincipalKind.SERVICE)
    shown = await opened_by(writing, program)
    assert [each["user"] for each in shown["activities"]] == [None]
    shown = await opened_by(writing, EVE)
    assert [each["user"] for each in shown["activities"]] == [None]


class Telling(NoCache):
    """No cache, and remembers which tables it was told to forget."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[str]] = []

    async def invalidate(self, tables: Sequence[str]) -> None:
        self.told.append(list(tables))


async def test_caches_are_told_of_every_table_that_was_written(writing: Writer) -> None:
    cache = Telling()
    told = replace(writing, sources=replace(writing.sources, cache=cache))
    id = (await told.do("openIncident", ADA, title="a")).shown["id"]
    links = {"role": "CAUSE", "configurationItemIds": [item(1)]}
    await told.do("startIncident", ADA, id=id, expectedVersion=1)
    await told.do("linkIncidentItems", ADA, id=id, expectedVersion=2, **links)
    await told.do("unlinkIncidentItems", ADA, id=id, expectedVersion=3, **links)
    await told.do("unlinkIncidentItems", ADA, id=id, expectedVersion=4, **links)
    step, link = ["incident_activities", "incidents"], "incident_configuration_items"
    every = ["incident_activities", link, "incidents"]
    assert cache.told == [every, step, every, every]
    cache.told.clear()
    id = (await told.do("proposeChange", ADA, title="a")).shown["id"]
    items = {"configurationItemIds": [item(1)]}
    await told.do("linkChangeItems", ADA, id=id, expectedVersion=1, **items)
    await told.do("unlinkChangeItems", ADA, id=id, expectedVersion=2, **items)
    await told.do("approveChange", BOB, id=id, expectedVersion=3)
    assert cache.told == [["change_configuration_items", "changes"]] * 3 + [["changes"]]
    cache.told.clear()
    id = (await told.do("createTeam", ADA, key="telling", name="a")).shown["id"]
    await told.do("setTeamMember", ADA, id=id, expectedVersion=1, userId=user(1))
    await told.do("removeTeamMember", ADA, id=id, expectedVersion=2, userId=user(1))
    assert cache.told == [["teams"], ["team_memberships", "teams"], ["team_memberships", "teams"]]
