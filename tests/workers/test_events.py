"""The events worker: the loop, crashes, two at once, dead letters replayed, and partial responses to SQS."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.errors import SourceError
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.queues.factory import open_queues
from datasources.queues.port import Message, MessageFailure, Queue
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources
from resolvers.events.ingest import ingest_events
from tests.fixtures.alerts import fired
from tests.fixtures.events import related, rows, state, upserted
from workers import events as worker


async def send(queue: Queue, *events: Any) -> None:
    told = await ingest_events(queue, [json.dumps(each).encode() for each in events], "r1")
    assert told.refused == []


class Dying(TablesQueue):
    """A queue whose worker dies when it comes to settle."""

    async def settle(self, done: Sequence[Message], failed: Sequence[MessageFailure]) -> None:
        raise asyncio.CancelledError


async def test_events_come_through_the_queue_in_their_order(sources: Sources, url: str) -> None:
    queue = open_queues(sources.main).events
    await send(queue, upserted("1", "a"), upserted("2", "b"), related("3", "a>b"))
    assert (await worker.process_batch(sources, queue), await worker.process_batch(sources, queue)) == (3, 0)
    items, edges = state(url)
    assert ([item[0] for item in items], len(edges)) == (["a", "b"], 1)
    assert rows(url, "SELECT DISTINCT request_id FROM audit_entries") == [("r1",)]
    assert (await queue.depth()).waiting == 0


async def test_a_crash_between_effect_and_settling_does_nothing_twice(sources: Sources, url: str) -> None:
    dying = Dying(sources.main, "events", visibility=0)
    await send(dying, upserted("1", "a"), upserted("2", "a", 1, name="A"), upserted("3", "b"))
    with pytest.raises(asyncio.CancelledError):
        await worker.process_batch(sources, dying)
    held = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM audit_entries), count(*) FROM received_events"
    after = rows(url, held)
    assert after == [(2, 2, 3)]
    queue = open_queues(sources.main).events
    # What was delivered before comes alone, in its order.
    assert [await worker.process_batch(sources, queue) for _ in range(4)] == [1, 1, 1, 0]
    assert rows(url, held) == after
    assert [item[1] for item in state(url)[0]] == ["A", "b"]


async def test_a_crash_before_the_effect_loses_nothing(sources: Sources, url: str) -> None:
    queue = TablesQueue(sources.main, "events", visibility=0)
    await send(queue, upserted("1", "a"))
    assert len(await queue.receive(10, 0)) == 1
    assert await worker.process_batch(sources, queue) == 1
    assert [item[0] for item in state(url)[0]] == ["a"]


async def test_however_long_a_store_is_away_no_event_is_a_dead_letter_of_it(sources: Sources, url: str) -> None:
    queue = TablesQueue(sources.main, "events", delay=0)
    await send(queue, upserted("1", "a"), upserted("2", "b"))
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.05)
    assert [await worker.process_batch(replace(sources, main=away), queue) for _ in range(7)] == [2] * 7
    await away.close()
    assert rows(url, "SELECT attempt, receipt FROM queue_messages") == [(0, None)] * 2
    assert await worker.process_batch(sources, queue) == 2
    assert [item[0] for item in state(url)[0]] == ["a", "b"]


async def test_dead_letters_have_their_reason_and_can_be_replayed(sources: Sources, url: str) -> None:
    queue = open_queues(sources.main).events
    await send(queue, upserted("1", "a"), related("2", "a>b"), upserted("3", "c"))
    await worker.process_batch(sources, queue)
    [dead] = await queue.list_dead_letters(10)
    assert dead.reason == "configuration item b of cmdb is not known; send it first, then replay this event"
    assert (dead.group, dead.request_id, json.loads(dead.body)["id"]) == ("/cmdb", "r1", "2")
    assert [item[0] for item in state(url)[0]] == ["a", "c"]
    await send(queue, upserted("4", "b"))
    assert await queue.redrive_dead_letters(None) == [dead.id]
    await worker.process_batch(sources, queue)
    assert (len(state(url)[1]), await queue.list_dead_letters(10)) == (1, [])


async def test_a_used_id_with_another_content_reaches_the_dead_letters(sources: Sources) -> None:
    queue = open_queues(sources.main).events
    await send(queue, upserted("1", "a"), upserted("1", "a"), upserted("1", "a", name="b"))
    # The same event is not even queued twice.
    assert (await queue.depth()).waiting == 2
    await worker.process_batch(sources, queue)
    assert [each.reason for each in await queue.list_dead_letters(10)] == [
        "another event with this source and id has other content; use each id once"
    ]


async def test_two_workers_at_once_do_each_event_once(sources: Sources, url: str) -> None:
    queue = open_queues(sources.main).events
    made = [upserted(f"{n}", f"i{n % 20}", n, source=f"/s{n % 7}", name=f"n{n}") for n in range(280)]
    await send(queue, *made)
    stop = asyncio.Event()
    loops = [asyncio.create_task(worker.loop(sources, queue, stop)) for _ in range(2)]
    while (await queue.depth()).waiting:
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*loops)
    assert await queue.list_dead_letters(10) == []
    assert rows(url, "SELECT count(*) FROM received_events") == [(280,)]
    assert rows(url, "SELECT count(*) FROM configuration_items") == [(20,)]
    # 140 is 20 times 7: the newest of each source about an item are those from 140 on.
    assert rows(url, "SELECT count(*), min(upserted_by::integer) FROM event_times") == [(140, 140)]


class Looks(float):
    """Seconds that are over when they were looked at so often."""

    def __new__(cls, number: int) -> "Looks":
        made = super().__new__(cls, 0)
        made.left = number
        return made

    left: int

    def __radd__(self, _: float) -> "Looks":
        return self

    def __add__(self, _: float) -> float:
        return inf

    def __le__(self, _: float) -> bool:
        self.left -= 1
        return self.left < 0


async def test_a_batch_out_of_time_settles_what_is_done_and_gives_back_the_rest_untried(
    sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = TablesQueue(sources.main, "events", delay=0)
    await send(queue, *(fired(f"{n}", f"f{n}") for n in range(300)))
    attempts = "SELECT attempt, receipt, count(*) FROM queue_messages GROUP BY 1, 2"
    monkeypatch.setattr(worker, "BATCH_SECONDS", Looks(24))
    assert await worker.process_batch(sources, queue) == 300
    assert rows(url, "SELECT count(*) FROM alerts") == [(25,)]
    assert rows(url, attempts) == [(0, None, 275)]
    # An event of another source has its effect in the next batch, after one turn of the long group.
    await send(queue, upserted("b", "shop"))
    monkeypatch.setattr(worker, "BATCH_SECONDS", Looks(11))
    assert await worker.process_batch(sources, queue) == 251
    assert [item[0] for item in state(url)[0]] == ["shop"]
    assert rows(url, "SELECT count(*) FROM alerts") == [(36,)]
    # However little time there is, one event goes on.
    monkeypatch.setattr(worker, "BATCH_SECONDS", Looks(0))
    await worker.process_batch(sources, queue)
    assert rows(url, "SELECT count(*) FROM alerts") == [(37,)]
    # Enough for a machine with much else to do.
    monkeypatch.setattr(worker, "BATCH_SECONDS", 600.0)
    assert [await worker.process_batch(sources, queue) for _ in range(2)] == [263, 0]
    assert rows(url, "SELECT count(*), count(DISTINCT fingerprint) FROM alerts") == [(300, 300)]
    # Each once: a note of each, and the version of each.
    assert rows(url, "SELECT version FROM incidents") == [(301,)]
    assert await queue.list_dead_letters(10) == []


async def test_a_stretch_of_another_kind_is_not_begun_out_of_time(
    sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = TablesQueue(sources.main, "events", delay=0)
    await send(queue, fired("1"), upserted("2", "shop"), upserted("3", "till"), fired("4", "f2"))
    monkeypatch.setattr(worker, "BATCH_SECONDS", Looks(0))
    assert [await worker.process_batch(sources, queue) for _ in range(4)] == [4, 3, 1, 0]


async def test_the_stores_are_late_for_an_event_at_half_the_visibility(
    sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = TablesQueue(sources.main, "events", delay=0)
    await send(queue, fired("1"), upserted("2", "shop"))
    monkeypatch.setattr(worker, "EVENT_SECONDS", -worker.BATCH_SECONDS)
    assert await worker.process_batch(sources, queue) == 2
    assert rows(url, "SELECT attempt, receipt FROM queue_messages ORDER BY position") == [(1, None), (0, None)]


async def test_the_loop_waits_for_a_lost_store_and_stops_when_told() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.1)
    lost = Sources(away, away, RecursiveGraph(away), NoCache())
    stop = asyncio.Event()
    with pytest.raises(SourceError):
        await worker.process_batch(lost, open_queues(away).events)
    running = asyncio.create_task(worker.loop(lost, open_queues(away).events, stop))
    await asyncio.sleep(0.3)
    assert not running.done()
    stop.set()
    await running
    await away.close()


def record(id: str, group: str, event: Any) -> dict[str, Any]:
    """A record as Lambda gives it."""
    return {
        "messageId": id,
        "body": event if isinstance(event, str) else json.dumps(event),
        "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": "2"},
        "messageAttributes": {"requestId": {"stringValue": "r-9", "dataType": "String"}},
    }


def again(response: dict[str, Any]) -> list[str]:
    assert list(response) == ["batchItemFailures"]
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]


async def test_what_can_never_work_is_buried_and_holds_nothing_back(sources: Sources, url: str) -> None:
    queue = open_queues(sources.main).events
    records = [record("m1", "g", upserted("1", "a")), record("m2", "g", "{"), record("m3", "g", upserted("2", "b"))]
    for _ in range(2):
        assert again(await worker.partial_response(sources, queue, records)) == []
    [dead] = await queue.list_dead_letters(10)
    # The receives of SQS are no attempts: a store may have been away in them.
    assert (dead.reason, dead.attempt, dead.group, dead.body) == ("not JSON: Input data was truncated", 1, "g", "{")
    assert [item[0] for item in state(url)[0]] == ["a", "b"]
    assert rows(url, "SELECT DISTINCT request_id FROM audit_entries") == [("r-9",)]


async def test_a_lost_store_gives_every_record_back() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.1)
    lost = Sources(away, away, RecursiveGraph(away), NoCache())
    records = [record("m1", "g", upserted("1", "a")), record("m2", "h", "{"), record("m3", "h", upserted("2", "b"))]
    assert again(await worker.partial_response(lost, open_queues(away).events, records)) == ["m1", "m2", "m3"]
    await away.close()


class Lost:
    """Dead letters whose store is away: not ours to run, only to be met."""

    async def add_dead_letters(self, failures: Sequence[MessageFailure]) -> None:
        raise SourceError("main", "away")


async def test_behind_the_first_failure_its_group_comes_again_and_no_other(sources: Sources, url: str) -> None:
    records = [
        record("m1", "g", upserted("1", "a")),
        record("m2", "h", upserted("2", "b", source="/h")),
        record("m3", "g", "{"),
        record("m4", "h", upserted("3", "c", source="/h")),
        record("m5", "g", upserted("4", "d")),
    ]
    dead: Any = Lost()
    assert again(await worker.partial_response(sources, dead, records)) == ["m3", "m5"]
    queue = open_queues(sources.main).events
    assert again(await worker.partial_response(sources, queue, [records[2], records[4]])) == []
    assert [item[0] for item in state(url)[0]] == ["a", "b", "c", "d"]
    assert rows(url, "SELECT max(version) FROM configuration_items") == [(1,)]
    assert len(await queue.list_dead_letters(10)) == 1


def test_the_handler_of_lambda_answers_for_its_records(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REQUIREMENTS_URL", url)
    monkeypatch.setenv("REDIS_URL", "off")
    worker._open_lambda.cache_clear()
    runner, opened, *_ = worker._open_lambda()
    try:
        for id in ("1", "2"):
            assert again(worker.handler({"Records": [record(f"m{id}", "g", upserted(id, f"i{id}"))]}, None)) == []
    finally:
        runner.run(opened.close())
        runner.close()
        worker._open_lambda.cache_clear()
    assert [item[0] for item in state(url)[0]] == ["i1", "i2"]
