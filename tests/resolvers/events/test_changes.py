"""Events of changes: their life but for the approval, order and repetition, and every refusal."""

from typing import Any

import pytest

from datasources.sources import Sources
from tests.fixtures.events import key, rows, upserted
from tests.fixtures.operations_events import change, take, write

WINDOW: dict[str, Any] = {"plannedStart": "2026-05-01T08:00:00Z", "plannedEnd": "2026-05-01T09:00:00Z"}


def proposed(id: str, seconds: float = 0, **data: Any) -> dict[str, Any]:
    return change(id, "proposed", seconds, **({"title": "Move the shop"} | data))


def approve(url: str) -> None:
    """What a person does."""
    write(url, "UPDATE changes SET state = 'APPROVED'")


def changes(url: str, columns: str = "k.key, h.title, h.state") -> list[Any]:
    return rows(url, f"SELECT {columns} FROM changes h JOIN change_keys k ON k.change_id = h.id ORDER BY 1")


async def test_a_change_lives_by_events_and_one_approval(sources: Sources, url: str) -> None:
    whole: dict[str, Any] = {
        "type": "STANDARD",
        "risk": "LOW",
        "team": "payments",
        "description": "All of it.",
        "items": [key("shop")],
    }
    assert await take(sources, upserted("0", "shop"), proposed("1", **whole)) == []
    assert changes(url, "k.source, k.key, h.title, h.description, h.type, h.risk, h.state, h.proposed_by") == [
        ("planner", "CHG-7", "Move the shop", "All of it.", "STANDARD", "LOW", "PROPOSED", ["event:/planner"])
    ]
    approve(url)
    events = [
        change("2", "scheduled", 1, **WINDOW),
        change("3", "started", 2),
        change("4", "finished", 3, outcome="FAILED"),
    ]
    assert await take(sources, *events) == []
    assert changes(url, "h.state, h.planned_start::text, h.version") == [("FAILED", "2026-05-01 08:00:00+00", 4)]
    assert await take(sources, *events, proposed("1", **whole)) == []
    assert rows(url, "SELECT principal, action FROM audit_entries WHERE entity = 'CHANGE' ORDER BY id") == [
        ("event:/planner", "change.proposed"), ("event:/planner", "change.scheduled"),
        ("event:/planner", "change.started"), ("event:/planner", "change.finished"),
    ]  # fmt: skip


async def test_one_that_is_proposed_again_is_changed_while_it_may_be(sources: Sources, url: str) -> None:
    await take(sources, upserted("0", "shop"), proposed("1"))
    assert await take(sources, proposed("2", 1, title="Move it", risk="HIGH", items=[key("shop")])) == []
    assert changes(url, "h.title, h.risk, h.version") == [("Move it", "HIGH", 3)]
    assert await take(sources, proposed("3", 2, title="Move it "), proposed("4", 0, title="old")) == []
    assert changes(url, "h.title, h.version") == [("Move it", 3)]
    approve(url)
    assert await take(sources, proposed("5", 3, title="Other")) == [
        "updateChange is not allowed in state APPROVED; allowed: cancelChange, scheduleChange, startChange"
    ]
    # It says what is approved.
    assert await take(sources, proposed("6", 4, title="Move it", risk="HIGH", items=[key("shop")])) == []


async def test_a_team_that_changes_takes_its_assignee_along(sources: Sources, url: str) -> None:
    await take(sources, proposed("1", team="payments"))
    write(url, "INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'web', 'Web') ON CONFLICT DO NOTHING")
    write(url, "INSERT INTO users (id, key, name) VALUES (gen_random_uuid(), 'ada', 'Ada') ON CONFLICT DO NOTHING")
    write(url, "UPDATE changes SET assignee_id = (SELECT id FROM users WHERE key = 'ada')")
    assert await take(sources, proposed("2", 1, team="web")) == []
    shown = "(SELECT key FROM teams t WHERE t.id = h.team_id), h.assignee_id"
    assert changes(url, shown) == [("web", None)]
    assert await take(sources, proposed("3", 2, team=None)) == []
    assert changes(url, shown) == [(None, None)]


@pytest.mark.parametrize(
    ("state", "kind", "data", "reason"),
    [
        ("PROPOSED", "scheduled", WINDOW, "scheduleChange is not allowed in state PROPOSED; allowed: approveChange, "
         "cancelChange, linkChangeItems, unlinkChangeItems, updateChange"),
        ("PROPOSED", "started", {}, "startChange is not allowed in state PROPOSED; allowed: approveChange, "
         "cancelChange, linkChangeItems, unlinkChangeItems, updateChange"),
        ("APPROVED", "finished", {"outcome": "COMPLETED"},
         "finishChange is not allowed in state APPROVED; allowed: cancelChange, scheduleChange, startChange"),
        ("COMPLETED", "cancelled", {}, "cancelChange is not allowed in state COMPLETED; allowed: none"),
        ("COMPLETED", "finished", {"outcome": "FAILED"},
         "finishChange is not allowed in state COMPLETED; allowed: none"),
        ("APPROVED", "scheduled", {"plannedStart": WINDOW["plannedEnd"], "plannedEnd": WINDOW["plannedStart"]},
         "the planned end is not after the planned start; correct one of them"),
        ("PROPOSED", "proposed", {"title": "x", "team": "nobody"},
         "there is no team nobody; create it, then replay this event"),
        ("PROPOSED", "proposed", {"title": "x", "items": [{"source": "cmdb", "key": "none"}]},
         "configuration item none of cmdb is not known; send it first, then replay this event"),
    ],
)  # fmt: skip
async def test_what_its_state_does_not_allow_is_dead_and_leaves_nothing(
    sources: Sources, url: str, state: str, kind: str, data: dict[str, Any], reason: str
) -> None:
    await take(sources, proposed("1"))
    write(url, f"UPDATE changes SET state = '{state}'")
    before = rows(url, "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM received_events)")
    assert await take(sources, change("2", kind, 9, **data)) == [reason]
    assert rows(url, "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM received_events)") == before


@pytest.mark.parametrize(
    ("state", "kind", "data"),
    [
        ("IN_PROGRESS", "started", {}), ("CANCELLED", "cancelled", {}), ("FAILED", "finished", {"outcome": "FAILED"}),
    ],
)  # fmt: skip
async def test_a_state_that_is_reached_already_is_no_fault(
    sources: Sources, url: str, state: str, kind: str, data: dict[str, Any]
) -> None:
    await take(sources, proposed("1"))
    write(url, f"UPDATE changes SET state = '{state}'")
    assert await take(sources, change("2", kind, 9, **data)) == []
    assert changes(url, "h.state, h.version") == [(state, 1)]


async def test_a_schedule_that_moves_is_a_step(sources: Sources, url: str) -> None:
    await take(sources, proposed("1"))
    approve(url)
    later = WINDOW | {"plannedEnd": "2026-05-01T10:00:00Z"}
    news = [change("2", "scheduled", 1, **WINDOW), change("3", "scheduled", 2, **WINDOW)]
    assert await take(sources, *news, change("4", "scheduled", 3, **later), change("5", "scheduled", 2, **WINDOW)) == []
    assert changes(url, "h.state, h.planned_end::text, h.version") == [("SCHEDULED", "2026-05-01 10:00:00+00", 3)]


async def test_an_unknown_change_can_be_told_of_later(sources: Sources, url: str) -> None:
    late = change("2", "cancelled", 1)
    assert await take(sources, late) == [
        "change CHG-7 of planner is not known; send its proposal first, then replay this event"
    ]
    assert await take(sources, proposed("1"), late) == []
    assert changes(url) == [("CHG-7", "Move the shop", "CANCELLED")]


async def test_there_is_no_approval_by_event(sources: Sources, url: str) -> None:
    [reason] = await take(sources, change("1", "approved"))
    assert reason.startswith("the type 'io.stackflow.change.approved' is not known; known are ")


async def test_who_sends_a_proposal_by_an_event_stands_behind_it(sources: Sources, url: str) -> None:
    sent = proposed("1") | {"stackflowsender": "USER:ada"}
    assert await take(sources, sent) == []
    assert changes(url, "h.proposed_by") == [(["USER:ada"],)]
    assert rows(url, "SELECT DISTINCT actor FROM outbox WHERE entity = 'CHANGE'") == [("USER:ada",)]
    # The same, sent by somebody else, is no other event.
    assert await take(sources, proposed("1") | {"stackflowsender": "USER:bob"}) == []
    assert changes(url, "h.proposed_by") == [(["USER:ada"],)]


async def test_who_sends_an_item_by_an_event_stands_behind_it(sources: Sources, url: str) -> None:
    assert await take(sources, upserted("1", "shop") | {"stackflowsender": "USER:ada"}, upserted("2", "cart")) == []
    assert rows(url, "SELECT DISTINCT actor FROM outbox WHERE entity = 'CONFIGURATION_ITEM' ORDER BY 1") == [
        ("USER:ada",), ("event:/cmdb",),
    ]  # fmt: skip
