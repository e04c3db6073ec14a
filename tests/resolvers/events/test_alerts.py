"""Events of alerts: an incident of a group is open while one of its alerts fires, whatever the order of the news."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from datasources.aurora.alerts.writes import MAX_COUNTED
from datasources.aurora.driver.transaction import Run, Transaction
from datasources.aurora.statements import Statement
from datasources.aurora.statements import statements as load_statements
from datasources.cache.off import NoCache
from datasources.sources import Sources
from resolvers.events.consumer import process_messages
from tests.fixtures.alerts import alerts, fired, incidents, notes, resolved
from tests.fixtures.events import key, messages, rows, upserted
from tests.fixtures.operations_events import linked, take, write

DAY = 24 * 60


async def test_an_alert_opens_an_incident_and_its_end_resolves_it(sources: Sources, url: str) -> None:
    item = upserted("0", "shop", owner="payments")
    assert await take(sources, item, fired("1", impact=1, urgency=1, items=[key("none"), key("shop")])) == []
    assert incidents(url) == [("Alert f1", "NEW", 1, 1)]
    assert linked(url) == [("shop", "AFFECTED")]
    assert rows(url, "SELECT t.key, i.category FROM incidents i JOIN teams t ON t.id = i.team_id") == [
        ("payments", "alert")
    ]
    assert alerts(url) == [("f1", "FIRING", 0, None, True)]
    assert await take(sources, resolved("2", end=5)) == []
    assert incidents(url) == [("Alert f1", "RESOLVED", 1, 1)]
    assert alerts(url) == [("f1", "RESOLVED", 0, 5, True)]
    assert rows(url, "SELECT resolution_code, resolution FROM incidents") == [
        ("ALERT_RESOLVED", "No alert fires any more; the last to end was A-f1.")
    ]
    assert rows(url, "SELECT kind FROM incident_activities ORDER BY happened_at, id") == [
        ("Opened",), ("Note",), ("Started",), ("Resolved",),
    ]  # fmt: skip


async def test_what_is_told_again_changes_nothing(sources: Sources, url: str) -> None:
    await take(sources, fired("1"), fired("2", "f2"))
    counted = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM incident_activities)"
    before = rows(url, counted)
    # Another id and another annotation, as of a rule whose annotation holds the value.
    assert await take(sources, fired("3", title="Alert f1 at 97%", annotations={"value": "97"})) == []
    assert rows(url, counted) == before
    await take(sources, resolved("4", end=5))
    before = rows(url, counted)
    assert await take(sources, resolved("5", end=5), fired("6"), resolved("7", end=5)) == []
    assert rows(url, counted) == before
    assert incidents(url) == [("Alert f1", "NEW", 3, 2)]


async def test_alerts_of_a_group_are_one_incident_as_grave_as_the_gravest(sources: Sources, url: str) -> None:
    await take(sources, upserted("a", "shop"), upserted("b", "till"), fired("1", items=[key("shop")]))
    await take(sources, fired("2", "f2", 1, impact=1, urgency=2, items=[key("till")]), fired("3", "f3", 2, impact=5))
    assert incidents(url) == [("Alert f1", "NEW", 1, 3)]
    assert linked(url) == [("shop", "AFFECTED"), ("till", "AFFECTED")]
    nothing = " (no configuration item matches its labels; link what it affects)"
    assert notes(url) == [
        "Opened by an alert: Alert f1", "Alert joined: Alert f2", f"Alert joined: Alert f3{nothing}",
    ]  # fmt: skip
    assert await take(sources, resolved("4", "f1", end=9), resolved("5", "f3", 2, 9)) == []
    assert [state for _, state, _, _ in incidents(url)] == ["NEW"]
    assert notes(url)[3:] == ["Alert resolved: A-f1; 2 still firing", "Alert resolved: A-f3; 1 still firing"]
    await take(sources, resolved("6", "f2", 1, 9))
    assert [state for _, state, _, _ in incidents(url)] == ["RESOLVED"]


async def test_groups_have_incidents_of_their_own(sources: Sources, url: str) -> None:
    long = "x" * 10_000
    await take(sources, fired("1"), fired("2", "f2", group=f"{long}1"), fired("3", "f3", group=f"{long}2"))
    assert [title for title, *_ in incidents(url)] == ["Alert f1", "Alert f2", "Alert f3"]


async def test_an_alert_that_fires_again_opens_the_incident_again(sources: Sources, url: str) -> None:
    await take(sources, fired("1"), resolved("2", end=5))
    assert await take(sources, fired("3", start=5 + DAY)) == []
    assert incidents(url) == [("Alert f1", "IN_PROGRESS", 3, 2)]
    await take(sources, resolved("4", start=5 + DAY, end=6 + DAY))
    assert incidents(url) == [("Alert f1", "RESOLVED", 3, 2)]
    # After more than a day it is another trouble.
    await take(sources, fired("5", start=7 + 2 * DAY))
    assert [(state, count) for _, state, _, count in incidents(url)] == [("RESOLVED", 2), ("NEW", 1)]


async def test_a_closed_or_cancelled_incident_is_left_alone(sources: Sources, url: str) -> None:
    await take(sources, fired("1"), resolved("2", end=5))
    write(url, "UPDATE incidents SET state = 'CLOSED'")
    await take(sources, fired("3", start=6))
    assert [(state, count) for _, state, _, count in incidents(url)] == [("CLOSED", 1), ("NEW", 1)]
    write(url, "UPDATE incidents SET state = 'CANCELLED' WHERE state = 'NEW'")
    assert await take(sources, resolved("4", start=6, end=7)) == []
    assert [(state, count) for _, state, _, count in incidents(url)] == [("CLOSED", 1), ("CANCELLED", 1)]
    assert notes(url)[-1] == "Alert resolved: A-f1; 0 still firing"


async def test_one_resolved_by_hand_opens_again_when_another_alert_joins(sources: Sources, url: str) -> None:
    await take(sources, fired("1"))
    write(url, "UPDATE incidents SET state = 'RESOLVED'")
    await take(sources, fired("2", "f2", 9 * DAY))
    assert incidents(url) == [("Alert f1", "IN_PROGRESS", 3, 2)]


async def test_one_resolved_by_hand_while_an_alert_fires_is_the_same_trouble_however_late(
    sources: Sources, url: str
) -> None:
    await take(sources, fired("1"), fired("2", "f2"), resolved("3", "f2"))
    write(url, "UPDATE incidents SET state = 'RESOLVED'")
    await take(sources, fired("4", "f3", 9 * DAY))
    assert incidents(url) == [("Alert f1", "IN_PROGRESS", 3, 3)]


async def test_every_table_that_an_alert_writes_to_is_told_to_the_cache(sources: Sources, url: str) -> None:
    class Told(NoCache):
        """A cache that remembers what it was told."""

        def __init__(self) -> None:
            self.tables: list[list[str]] = []

        async def invalidate(self, tables: Sequence[str]) -> None:
            self.tables.append(list(tables))

    cache = Told()
    told = replace(sources, cache=cache)
    await take(told, fired("1"), resolved("2", end=5), fired("3"))
    both = ["alerts", "incident_activities", "incident_configuration_items", "incidents"]
    assert cache.tables == [both, ["alerts", "incident_activities", "incidents"]]
    # An end alone is in no incident's list, but its row may be shown by the next beginning.
    await take(told, resolved("4", "f2"))
    assert cache.tables[2:] == [["alerts"]]


async def test_work_that_waits_is_resolved_too(sources: Sources, url: str) -> None:
    await take(sources, fired("1"))
    write(url, "UPDATE incidents SET state = 'ON_HOLD'")
    await take(sources, resolved("2"))
    assert incidents(url) == [("Alert f1", "RESOLVED", 3, 1)]


async def test_an_end_before_its_beginning_ends_right(sources: Sources, url: str) -> None:
    assert await take(sources, resolved("2", end=5)) == []
    assert (alerts(url), incidents(url)) == ([("f1", "RESOLVED", 0, 5, False)], [])
    assert await take(sources, fired("1")) == []
    assert (alerts(url), incidents(url)) == ([("f1", "RESOLVED", 0, 5, True)], [("Alert f1", "RESOLVED", 3, 1)])
    # One that is over when it is told of does not open a resolved incident again.
    await take(sources, resolved("4", "f2", 1, 6), fired("3", "f2", 1))
    assert incidents(url) == [("Alert f1", "RESOLVED", 3, 2)]
    assert rows(url, "SELECT count(*) FROM incident_activities WHERE kind = 'Reopened'") == [(0,)]


async def test_a_start_that_moves_leaves_no_firing_behind(sources: Sources, url: str) -> None:
    """Alertmanager takes the earlier of the starts that two Prometheus tell; only that one is then said to end."""
    await take(sources, fired("1", start=1), fired("2", start=0), resolved("3", start=0, end=5))
    assert alerts(url) == [("f1", "RESOLVED", 0, 5, True), ("f1", "RESOLVED", 1, 5, True)]
    assert incidents(url) == [("Alert f1", "RESOLVED", 3, 2)]
    # A firing after that end is none of them.
    await take(sources, fired("4", start=6))
    assert alerts(url)[2] == ("f1", "FIRING", 6, None, True)


async def test_the_first_end_that_fits_is_the_end_whenever_it_is_told(sources: Sources, url: str) -> None:
    await take(sources, fired("1", start=0), fired("2", start=1), resolved("3", start=0, end=5))
    await take(sources, resolved("4", start=1, end=3))
    assert [(start, end) for _, _, start, end, _ in alerts(url)] == [(0, 3), (1, 3)]
    # Of two ends of one firing the later holds.
    await take(sources, resolved("5", start=1, end=4), resolved("6", start=1, end=2))
    assert [(start, end) for _, _, start, end, _ in alerts(url)] == [(0, 4), (1, 4)]


async def test_an_alert_that_ends_before_it_starts_is_refused(sources: Sources, url: str) -> None:
    assert await take(sources, resolved("1", start=2, end=1)) == [
        "the alert ends before it starts; correct the clock of its source"
    ]
    assert (alerts(url), rows(url, "SELECT count(*) FROM received_events")) == ([], [(0,)])


async def test_many_alerts_of_a_group_at_once_are_one_incident(sources: Sources, url: str) -> None:
    both = [
        [fired(f"{n}", f"f{n}") | {"source": f"/alertmanager/{n}"}, resolved(f"{n}r", f"f{n}") | {"source": f"/x{n}"}]
        for n in range(6)
    ]
    handled = await asyncio.gather(*(process_messages(sources, messages(each)) for each in both))
    assert [(len(each.done), each.failed) for each in handled] == [(2, [])] * 6
    assert [(state, count) for _, state, _, count in incidents(url)] == [("RESOLVED", 6)]


async def test_an_alert_of_a_large_group_costs_no_more_than_one_of_a_small(
    sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[Statement] = []
    run = Transaction.__init__

    def init(self: Transaction, connection: AsyncConnection[Any], each: Run) -> None:
        async def counted(*arguments: Any) -> list[Any]:
            statements.append(arguments[1])
            return await each(*arguments)

        run(self, connection, counted)

    monkeypatch.setattr(Transaction, "__init__", init)

    async def cost(event: Any) -> int:
        statements.clear()
        assert await take(sources, event) == []
        return len(statements)

    await take(sources, fired("0", "f0"))
    small = [await cost(fired("1", "f1")), await cost(resolved("2", "f1"))]
    rows(
        url,
        "INSERT INTO alerts (receiver, fingerprint, starts_at, group_digest, incident_id, ends_at) "
        "SELECT 'r', 'x' || n, '2026-03-01', '', i.id, CASE WHEN n % 2 = 0 THEN timestamptz '2026-03-02' END "
        "FROM generate_series(1, 8000) n, incidents i RETURNING 1",
    )
    large = [await cost(fired("3", "f3")), await cost(resolved("4", "f3"))]
    assert small == large == [11, 10]
    assert notes(url)[-1] == "Alert resolved: A-f3; 1000 or more still firing"
    # Of 8,000 alerts as many are looked at as are counted, and one for the last end.
    with psycopg.connect(url) as connection:
        connection.execute("ANALYZE alerts")
        # They are the whole table here, which a scan in its order would do as well for.
        connection.execute("SET enable_seqscan = off")
        [id] = [id for (id,) in connection.execute("SELECT id FROM incidents")]
        text = load_statements("alerts/writes")["alerts_of_incident"].text
        explain = f"EXPLAIN (ANALYZE, FORMAT json) {text}"
        [[[plan]]] = connection.execute(explain.encode(), {"incident_id": id, "most": MAX_COUNTED})
        assert scanned(plan["Plan"]) == MAX_COUNTED + 1


def scanned(plan: Any) -> float:
    """Rows that the scans of a plan read."""
    read: float = plan["Actual Rows"] * plan["Actual Loops"] if "Scan" in plan["Node Type"] else 0
    return read + float(plan.get("Rows Removed by Filter", 0)) + sum(scanned(each) for each in plan.get("Plans", ()))
