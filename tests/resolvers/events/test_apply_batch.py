"""Effects of events: rows, audit, outbox and times, exactly once, the newest wins, and the reasons of refusals."""

import asyncio
from dataclasses import replace
from typing import Any

import psycopg

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.queues.port import Disposition
from datasources.sources import Sources
from resolvers.events.consumer import process_messages
from tests.fixtures.events import messages, prepare, related, removed, retired, rows, state, upserted


async def take(sources: Sources, *events: Any) -> list[str]:
    """Handle events as one batch: the reasons of those that are refused, none of which may be retried."""
    handled = await process_messages(sources, messages(events))
    assert {each.fate for each in handled.failed} <= {Disposition.DEAD_LETTER}
    assert len(handled.done) + len(handled.failed) == len(events)
    return [each.reason for each in handled.failed]


WHOLE: dict[str, Any] = {
    "status": "MAINTENANCE", "environment": "PRODUCTION", "criticality": "HIGH", "owner": "payments",
    "attributes": {"tier": 1},
}  # fmt: skip


async def test_an_item_and_its_relationship_are_made_in_one_batch(sources: Sources, url: str) -> None:
    events = (upserted("1", "a", **WHOLE), upserted("2", "b"), related("3", "a>b", attributes={"x": 1}))
    assert await take(sources, *events) == []
    assert state(url) == (
        [
            ("a", "a", "service", "MAINTENANCE", "PRODUCTION", "HIGH", "payments", {"tier": 1}),
            ("b", "b", "service", "ACTIVE", "UNKNOWN", "MEDIUM", None, {}),
        ],
        [("a", "depends_on", "b", "/cmdb", {"x": 1}, True)],
    )
    assert await take(sources, retired("4", "b", 1), removed("5", "a>b", 1)) == []
    items, edges = state(url)
    assert ([item[3] for item in items], edges) == (["MAINTENANCE", "RETIRED"], [])


async def test_what_was_done_is_told(sources: Sources, url: str) -> None:
    await take(sources, upserted("1", "a"), upserted("2", "b"), related("3", "a>b"))
    await take(sources, upserted("4", "a", 1, name="A"), removed("5", "a>b", 1))
    told = (
        "SELECT principal, action, request_id, before->>'name', after->>'name' "
        "FROM audit_entries WHERE entity = {} ORDER BY id"
    )
    assert rows(url, told.format("'CONFIGURATION_ITEM'")) == [
        ("event:/cmdb", "configuration-item.upserted", "r0", None, "a"),
        ("event:/cmdb", "configuration-item.upserted", "r1", None, "b"),
        ("event:/cmdb", "configuration-item.upserted", "r0", "a", "A"),
    ]
    changes = (
        "SELECT action, before IS NULL, after IS NULL FROM audit_entries WHERE entity = 'RELATIONSHIP' ORDER BY id"
    )
    assert rows(url, changes) == [("relationship.upserted", True, False), ("relationship.removed", False, True)]
    assert rows(url, "SELECT entity, change, request_id FROM outbox ORDER BY position") == [
        ("CONFIGURATION_ITEM", "CREATED", "r0"),
        ("CONFIGURATION_ITEM", "CREATED", "r1"),
        ("RELATIONSHIP", "CREATED", "r2"),
        ("CONFIGURATION_ITEM", "CHANGED", "r0"),
        ("RELATIONSHIP", "DELETED", "r1"),
    ]


async def test_an_event_has_one_effect(sources: Sources, url: str) -> None:
    first = upserted("1", "a")
    assert await take(sources, first, first) == []
    spaced = '{"data": {"class": "service", "item": {"key": "a", "source": "cmdb"}, "name": "a"}, "more": 1, ' + (
        f'"id": "1", "specversion": "1.0", "source": "/cmdb", "type": "{first["type"]}", "time": "{first["time"]}"}}'
    )
    assert await take(sources, spaced, first) == []
    assert rows(url, "SELECT count(*) FROM outbox") == [(1,)]
    assert rows(url, "SELECT version FROM configuration_items") == [(1,)]


async def test_an_id_with_another_content_is_refused(sources: Sources, url: str) -> None:
    reason = "another event with this source and id has other content; use each id once"
    assert await take(sources, upserted("1", "a"), upserted("1", "a", name="b")) == [reason]
    assert await take(sources, upserted("1", "a", name="b"), upserted("1", "a")) == [reason]
    # Also if it were the newer one.
    assert await take(sources, upserted("1", "a", 60, name="b")) == [reason]
    assert [item[1] for item in state(url)[0]] == ["a"]
    # Ids are each source's own.
    assert await take(sources, upserted("1", "a", source="/other")) == []
    assert [item[1] for item in state(url)[0]] == ["a"]


async def test_an_older_event_overwrites_nothing_of_its_source(sources: Sources, url: str) -> None:
    await take(sources, upserted("1", "a", 10, name="new"))
    assert await take(sources, upserted("2", "a", 5, name="old")) == []
    assert state(url)[0][0][1] == "new"
    # Clocks of two sources are not compared.
    await take(sources, upserted("3", "a", 5, name="other", source="/other"))
    assert state(url)[0][0][1] == "other"


async def test_the_last_of_a_batch_wins_and_makes_one_version(sources: Sources, url: str) -> None:
    await take(sources, *(upserted(str(n), "a", n, name=f"n{n}") for n in range(5)))
    assert rows(url, "SELECT name, version FROM configuration_items") == [("n4", 1)]
    await take(sources, *(upserted(f"x{n}", "a", 10 + n, name=f"m{n}") for n in range(5)))
    assert rows(url, "SELECT name, version FROM configuration_items") == [("m4", 2)]


async def test_what_an_upsert_leaves_out_stays(sources: Sources, url: str) -> None:
    await take(sources, upserted("1", "a", **WHOLE))
    await take(sources, upserted("2", "a", 1, name="A"), upserted("3", "b", 1))
    assert state(url)[0][0] == (
        "a", "A", "service", "MAINTENANCE", "PRODUCTION", "HIGH", "payments", {"tier": 1},
    )  # fmt: skip
    await take(sources, upserted("4", "a", 2, owner=None, attributes={}))
    assert state(url)[0][0][5:] == ("HIGH", None, {})


async def test_an_item_that_changes_nothing_keeps_its_version(sources: Sources, url: str) -> None:
    await take(sources, upserted("1", "a"))
    await take(sources, upserted("2", "a", 1))
    assert rows(url, "SELECT version FROM configuration_items") == [(1,)]
    await take(sources, retired("3", "a", 0.5))
    assert state(url)[0][0][3] == "ACTIVE"


async def test_every_refusal_has_its_reason_and_stops_no_other(sources: Sources, url: str) -> None:
    late = upserted("2", "x") | {"time": "2999-01-01T00:00:00Z"}
    reasons = await take(
        sources,
        upserted("1", "a"),
        late,
        upserted("3", "x", class_="nothing"),
        upserted("4", "x", owner="nobody"),
        related("5", "a>missing"),
        related("6", "a>a"),
        related("7", "a>b", type="loves"),
        "{",
        upserted("8", "b"),
        related("9", "a>b"),
    )
    assert [reason.split(";")[0] for reason in reasons] == [
        "its time 2999-01-01T00:00:00+00:00 is too far in the future",
        "there is no class nothing",
        "there is no team nobody",
        "configuration item missing of cmdb is not known",
        "a configuration item cannot have a relationship to itself",
        "there is no relationship type loves",
        "not JSON: Input data was truncated",
    ]
    items, edges = state(url)
    assert ([item[0] for item in items], len(edges)) == (["a", "b"], 1)
    # Refused events are not taken for done ones: what was missing may come.
    assert await take(sources, upserted("10", "missing"), related("5", "a>missing")) == []
    assert len(state(url)[1]) == 2


async def test_a_value_that_no_column_takes_stops_no_other(sources: Sources, url: str) -> None:
    events = [upserted(str(n), f"i{n}") for n in range(20)]
    events[7] = upserted("7", "i7", name="nul \x00")
    events[13] = upserted("13", "i13", attributes={"nul": "\x00"})
    reasons = await take(sources, *events)
    said = "has a NUL character; remove it"
    assert reasons == [f"the data can't be stored: name {said}", f"the data can't be stored: attributes {said}"]
    assert len(state(url)[0]) == 18


async def test_integers_of_64_bits_are_kept_exactly_and_larger_ones_are_refused(sources: Sources, url: str) -> None:
    events = [upserted("1", "a", attributes={"n": 2**64 - 1}), upserted("2", "b", attributes={"n": 2**64})]
    said = "attributes has an integer of more than 64 bits; write it as text"
    assert await take(sources, *events) == [f"the data can't be stored: {said}"]
    assert rows(url, "SELECT attributes->>'n' FROM configuration_items") == [(str(2**64 - 1),)]


async def test_the_longest_values_have_room(sources: Sources, url: str) -> None:
    def wide(length: int) -> str:
        return "".join(chr(0x20000 + number % 40_000) for number in range(length))

    ends = [{"source": wide(200), "key": letter + wide(449)} for letter in "ab"]
    events = [upserted(wide(299) + "a", "x", name=wide(500)), upserted(wide(299) + "b", "y"), related(wide(300), "x>y")]
    events[0]["data"]["item"], events[1]["data"]["item"] = ends
    events[2]["data"] |= {"from": ends[0], "to": ends[1]}
    assert await take(sources, *(each | {"source": wide(300)} for each in events)) == []
    assert len(state(url)[1]) == 1


async def test_two_workers_who_make_the_same_items_make_them_once(sources: Sources, url: str) -> None:
    for round_ in range(5):
        prepare(url)
        mine = [upserted(str(n), f"i{n}", n, source="/mine") for n in range(30)]
        theirs = [upserted(str(n), f"i{29 - n}", n, source="/theirs") for n in range(30)]
        both = await asyncio.gather(*(process_messages(sources, messages(each)) for each in (mine, theirs, mine)))
        assert [(len(each.done), each.failed) for each in both] == [(30, [])] * 3, round_
        assert rows(url, "SELECT count(*), max(version) FROM configuration_items") == [(30, 1)]
        assert rows(url, "SELECT count(*) FROM received_events") == [(60,)]


async def test_many_who_make_one_item_make_it_once(sources: Sources, url: str) -> None:
    for number in range(5):
        events = [upserted("1", f"i{number}", number, source=f"/s{other}/{number}") for other in range(6)]
        handled = await asyncio.gather(*(process_messages(sources, messages([each])) for each in events))
        # Alone in its batch, none can be helped by halving.
        assert [(len(each.done), each.failed) for each in handled] == [(1, [])] * 6
    assert rows(url, "SELECT count(*), max(version) FROM configuration_items") == [(5, 1)]


async def test_a_lost_store_holds_back_each_group_from_its_first_event_on() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.1)
    sources = Sources(away, away, RecursiveGraph(away), NoCache())
    batch = messages([upserted("1", "a"), "{", upserted("2", "b"), upserted("3", "c", source="/other")])
    handled = await process_messages(sources, batch)
    await away.close()
    assert handled.done == []
    assert [(each.message.id[-1], each.fate) for each in handled.failed] == [
        ("0", Disposition.RELEASE), ("1", Disposition.DEAD_LETTER), ("2", Disposition.RELEASE),
        ("3", Disposition.RELEASE),
    ]  # fmt: skip


async def test_a_missing_table_is_no_events_fault(sources: Sources, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE event_times RENAME TO away")
        try:
            handled = await process_messages(sources, messages([upserted("1", "a"), upserted("2", "b")]))
        finally:
            connection.execute("ALTER TABLE away RENAME TO event_times")
    assert [each.fate for each in handled.failed] == [Disposition.RETRY, Disposition.RELEASE]


async def test_a_late_store_counts_for_the_first_of_each_group(sources: Sources, url: str) -> None:
    """It may be what an event says that takes so long; without an end it would hold back its group for ever."""
    slow = Database("main", url, statement_timeout=0.2)
    batch = messages([upserted("1", "a"), upserted("2", "b"), upserted("3", "c", source="/other")])
    with psycopg.connect(url) as connection:
        connection.execute("LOCK event_times IN ACCESS EXCLUSIVE MODE")
        handled = await process_messages(replace(sources, main=slow), batch)
    await slow.close()
    assert [each.fate for each in handled.failed] == [Disposition.RETRY, Disposition.RELEASE, Disposition.RETRY]


async def test_numbers_come_back_equal_as_numbers(sources: Sources, url: str) -> None:
    numbers = {"negative zero": -0.0, "real": 1e2, "small": 5e-324, "exact": 2**53 + 1}
    await take(sources, upserted("1", "a", attributes=numbers))
    [(found,)] = rows(url, "SELECT attributes FROM configuration_items")
    assert found == numbers
    # jsonb has no sign of a zero.
    assert str(found["negative zero"]) == "0.0"
