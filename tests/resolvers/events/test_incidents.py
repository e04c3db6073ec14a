"""Events of incidents: their whole life by keys, order and repetition, and every refusal with nothing half done."""

import asyncio
from typing import Any

import pytest

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.queues.port import Disposition
from datasources.sources import Sources
from resolvers.events.consumer import process_messages
from tests.fixtures.alerts import fired
from tests.fixtures.events import key, messages, related, rows, state, upserted
from tests.fixtures.operations_events import activities, incident, incidents, linked, opened, take, write

SOLVED: dict[str, Any] = {"code": "FIXED", "resolution": "Restarted it."}


async def test_an_incident_lives_by_events(sources: Sources, url: str) -> None:
    events = [
        upserted("a", "shop", source="/desk"),
        opened("1", impact=1, urgency=1, description="All of it.", team="payments", affected=[key("shop")]),
        incident("2", "updated", 1, title="Shop is slow", impact=2, urgency=2),
        incident("3", "noted", 2, note="Looking."),
        incident("4", "resolved", 3, **SOLVED),
        incident("5", "reopened", 4, note="Again."),
        incident("6", "resolved", 5, **SOLVED),
        incident("7", "closed", 6),
    ]
    assert await take(sources, *events) == []
    shown = "k.source, k.key, i.title, i.description, i.state, i.priority, t.key, i.resolution_code, i.version"
    assert rows(
        url,
        f"SELECT {shown} FROM incidents i JOIN incident_keys k ON k.incident_id = i.id "
        "JOIN teams t ON t.id = i.team_id",
    ) == [("desk", "INC-7", "Shop is slow", "All of it.", "CLOSED", 2, "payments", "FIXED", 8)]
    assert linked(url) == [("shop", "AFFECTED")]
    assert activities(url) == [
        ("Opened", ""), ("Updated", ""), ("Note", "Looking."), ("Started", ""), ("Resolved", "Restarted it."),
        ("Reopened", "Again."), ("Resolved", "Restarted it."), ("Closed", ""),
    ]  # fmt: skip
    # The same again, in any cut, changes nothing.
    before = rows(url, "SELECT count(*) FROM outbox")
    assert await take(sources, *events) == []
    assert rows(url, "SELECT count(*) FROM outbox") == before


async def test_each_event_is_signed_by_its_source_and_request(sources: Sources, url: str) -> None:
    await take(sources, opened("1"), incident("2", "resolved", 1, **SOLVED))
    assert rows(
        url,
        "SELECT principal, action, request_id, before->>'state', after->>'state' FROM audit_entries ORDER BY id",
    ) == [
        ("event:/desk", "incident.opened", "r0", None, "NEW"),
        ("event:/desk", "incident.resolved", "r1", "NEW", "IN_PROGRESS"),
        ("event:/desk", "incident.resolved", "r1", "IN_PROGRESS", "RESOLVED"),
    ]
    assert rows(url, "SELECT entity, change, request_id FROM outbox ORDER BY position") == [
        ("INCIDENT", "CREATED", "r0"), ("INCIDENT", "CHANGED", "r1"), ("INCIDENT", "CHANGED", "r1"),
    ]  # fmt: skip


async def test_a_batch_of_both_kinds_keeps_its_order(sources: Sources, url: str) -> None:
    batch = [
        opened("1", affected=[key("shop")]),
        upserted("2", "shop", source="/desk"),
        opened("3", key="INC-8", affected=[key("shop")]),
        upserted("4", "till", source="/desk"),
        related("5", "shop>till") | {"source": "/desk"},
        incident("6", "updated", 1, key="INC-8", affected=[key("till")]),
    ]
    # The first comes before the item that it names.
    assert await take(sources, *batch) == [
        "configuration item shop of cmdb is not known; send it first, then replay this event"
    ]
    assert (incidents(url), linked(url)) == (
        [("INC-8", "Shop is down", "NEW", 3)], [("shop", "AFFECTED"), ("till", "AFFECTED")],
    )  # fmt: skip
    assert len(state(url)[1]) == 1
    assert await take(sources, batch[0]) == []
    assert [each[0] for each in incidents(url)] == ["INC-7", "INC-8"]


async def test_an_older_word_and_an_older_step_do_nothing(sources: Sources, url: str) -> None:
    await take(sources, opened("1", 10, title="new"), incident("2", "resolved", 20, **SOLVED))
    assert await take(sources, incident("3", "updated", 5, title="old"), opened("4", 9, title="older")) == []
    assert await take(sources, incident("5", "cancelled", 15), incident("6", "reopened", 20 - 1)) == []
    assert incidents(url) == [("INC-7", "new", "RESOLVED", 3)]
    # What is said and the steps are two orders, and a note overwrites nothing.
    assert await take(sources, incident("7", "updated", 15, title="newer"), incident("8", "noted", 0, note="n")) == []
    assert incidents(url, "i.title, i.state") == [("newer", "RESOLVED")]
    assert activities(url)[-1] == ("Note", "n")


async def test_a_known_key_opened_again_is_an_update(sources: Sources, url: str) -> None:
    await take(sources, upserted("0", "shop"), opened("1"))
    assert await take(sources, opened("2", 1, title="Shop is gone", urgency=1, affected=[key("shop")])) == []
    assert incidents(url) == [("INC-7", "Shop is gone", "NEW", 2)]
    assert linked(url) == [("shop", "AFFECTED")]
    # It says nothing new.
    assert await take(sources, opened("3", 2, title=" Shop is gone ", urgency=1, affected=[key("shop")])) == []
    assert rows(url, "SELECT version FROM incidents") == [(3,)]
    assert [kind for kind, _ in activities(url)] == ["Opened", "Updated", "Items linked"]


@pytest.mark.parametrize(
    ("before", "kind", "data", "reason"),
    [
        ([], "closed", {}, "closeIncident is not allowed in state NEW; allowed: addIncidentNote, assignIncident, "
         "cancelIncident, linkIncidentItems, startIncident, unlinkIncidentItems, updateIncident"),
        ([], "reopened", {}, "reopenIncident is not allowed in state NEW; allowed: addIncidentNote, assignIncident, "
         "cancelIncident, linkIncidentItems, startIncident, unlinkIncidentItems, updateIncident"),
        (["cancelled"], "resolved", SOLVED,
         "resolveIncident is not allowed in state CANCELLED; allowed: addIncidentNote"),
        (["cancelled"], "updated", {"title": "x"},
         "updateIncident is not allowed in state CANCELLED; allowed: addIncidentNote"),
        ([], "updated", {"team": "nobody"}, "there is no team nobody; create it, then replay this event"),
        ([], "updated", {"title": "x", "causes": [{"source": "cmdb", "key": "x"}]},
         "configuration item x of cmdb is not known; send it first, then replay this event"),
        ([], "noted", {"note": "nul \x00"}, "the data can't be stored: note has a NUL character; remove it"),
        ([], "opened", {"title": "x", "restrictedTeam": "payments"},
         "an incident can be restricted only when it is opened; leave out restrictedTeam"),
    ],
)  # fmt: skip
async def test_what_its_state_does_not_allow_is_dead_and_leaves_nothing(
    sources: Sources, url: str, before: list[str], kind: str, data: dict[str, Any], reason: str
) -> None:
    await take(sources, opened("1"), *(incident(each, each, 1) for each in before))
    counted = rows(url, "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM received_events)")
    times = rows(url, "SELECT upserted_at, ended_at FROM event_times")
    assert await take(sources, incident("x", kind, 9, **data)) == [reason]
    assert rows(url, "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM received_events)") == counted
    assert rows(url, "SELECT upserted_at, ended_at FROM event_times") == times


async def test_a_state_that_is_reached_already_is_no_fault(sources: Sources, url: str) -> None:
    await take(sources, opened("1"), incident("2", "resolved", 1, **SOLVED))
    assert await take(sources, incident("3", "resolved", 2, code="OTHER", resolution="Other.")) == []
    assert incidents(url, "i.state, i.resolution_code, i.version") == [("RESOLVED", "FIXED", 3)]
    assert await take(sources, incident("4", "closed", 3), incident("5", "closed", 4)) == []
    assert incidents(url, "i.state, i.version") == [("CLOSED", 4)]


async def test_an_unknown_incident_can_be_told_of_later(sources: Sources, url: str) -> None:
    late = incident("2", "resolved", 1, **SOLVED)
    assert await take(sources, late) == [
        "incident INC-7 of desk is not known; send the event that opens it first, then replay this event"
    ]
    assert await take(sources, opened("1"), late) == []
    assert incidents(url, "i.state") == [("RESOLVED",)]


async def test_an_id_with_another_content_is_refused(sources: Sources, url: str) -> None:
    reason = "another event with this source and id has other content; use each id once"
    assert await take(sources, opened("1"), opened("1", title="Other")) == [reason]
    assert await take(sources, opened("1", 60, title="Other")) == [reason]
    assert incidents(url, "i.title") == [("Shop is down",)]


async def test_a_restricted_incident_is_told_of_by_nobody(sources: Sources, url: str) -> None:
    secret: dict[str, Any] = {"title": "Secret title", "description": "Secret words", "category": "secret-kind"}
    assert await take(
        sources,
        opened("1", restrictedTeam="payments", **secret),
        incident("2", "noted", 1, note="Secret note"),
        incident("3", "resolved", 2, code="SECRET", resolution="Secret resolution"),
    ) == []  # fmt: skip
    assert rows(url, "SELECT t.key FROM incidents i JOIN teams t ON t.id = i.restricted_team_id") == [("payments",)]
    reasons = await take(
        sources,
        incident("4", "cancelled", 3, note="Secret why"),
        incident("5", "updated", 4, title="Secret too", team="nobody"),
    )
    assert len(reasons) == 2
    told = rows(url, "SELECT before, after FROM audit_entries") + rows(url, "SELECT payload FROM outbox")
    assert len(told) == 8
    assert "secret" not in f"{told} {reasons}".lower()


async def test_many_who_open_one_incident_open_it_once(sources: Sources, url: str) -> None:
    for number in range(3):
        events = [opened("1", number, key=f"K{number}") | {"source": f"/s{n}/{number}"} for n in range(5)]
        handled = await asyncio.gather(*(process_messages(sources, messages([each])) for each in events))
        assert [(len(each.done), each.failed) for each in handled] == [(1, [])] * 5
    assert incidents(url, "k.key, i.version") == [("K0", 1), ("K1", 1), ("K2", 1)]


async def test_a_lost_store_holds_back_what_comes_after() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.1)
    sources = Sources(away, away, RecursiveGraph(away), NoCache())
    batch = messages([opened("1"), upserted("2", "a", source="/desk"), incident("3", "noted", note="n"), "{"])
    handled = await process_messages(sources, batch)
    await away.close()
    assert [(each.message.id[-1], each.fate) for each in handled.failed] == [
        ("0", Disposition.RELEASE), ("1", Disposition.RELEASE), ("2", Disposition.RELEASE),
        ("3", Disposition.DEAD_LETTER),
    ]  # fmt: skip


async def test_nothing_behind_an_event_that_could_not_be_tried_is_tried(sources: Sources, url: str) -> None:
    """A missing table is no event's fault; those behind it would do without it, and are held for their order."""
    write(url, "ALTER TABLE incident_keys RENAME TO away")
    try:
        handled = await process_messages(sources, messages([opened("1"), fired("2"), upserted("3", "a"), opened("4")]))
    finally:
        write(url, "ALTER TABLE away RENAME TO incident_keys")
    assert [each.reason for each in handled.failed] == ["main refused a statement: UndefinedTable"] * 4
    assert (handled.done, rows(url, "SELECT count(*) FROM received_events")) == ([], [(0,)])
    # What comes before it in its batch is done.
    both = [upserted("3", "a"), opened("1"), fired("2"), incident("5", "noted", note="n")]
    assert await take(sources, *both) == []
