"""The queue in tables: order within groups, deduplication, failures, crashes, dead letters, and several receivers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import psycopg
import pytest
from psycopg import errors

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.port import Disposition, Message, MessageFailure, NewMessage
from datasources.queues.tables.queue import TablesQueue
from tests.fixtures.databases import create_database


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, "tables_queue")


@pytest.fixture
async def main(url: str) -> AsyncIterator[Database]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE queue_messages, queue_deduplication, dead_letters")
    opened = Database("main", url)
    yield opened
    await opened.close()


@pytest.fixture
def queue(main: Database) -> TablesQueue:
    return TablesQueue(main, "q", delay=0, attempts=3)


def messages(*texts: str) -> list[NewMessage]:
    """One a text: its first letter is the group, the whole the deduplication id and the body."""
    return [NewMessage(text[0], text, text, f"r-{text}") for text in texts]


def bodies(received: Sequence[Message]) -> list[str]:
    return [each.body for each in received]


def end_visibility(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE queue_messages SET visible_at = now()")


async def test_messages_come_in_order_and_once(queue: TablesQueue) -> None:
    assert await queue.send(messages("a1", "b1", "a2", "a3")) == 4
    first = await queue.receive(10, 0)
    # Two groups share ten places, so that none is left out by a long one.
    assert bodies(first) == ["a1", "b1", "a2", "a3"]
    assert [(each.attempt, each.request_id) for each in first][:2] == [(1, "r-a1"), (1, "r-b1")]
    assert await queue.receive(10, 0) == []
    assert (await queue.depth()).waiting == 4
    await queue.settle(first, [])
    depth = await queue.depth()
    assert (depth.waiting, depth.oldest_seconds) == (0, 0.0)


async def test_a_group_of_thousands_leaves_others_their_turn(queue: TablesQueue) -> None:
    await queue.send(messages(*(f"a{n}" for n in range(2_000))))
    first = await queue.receive(500, 0)
    assert bodies(first) == [f"a{n}" for n in range(500)]
    await queue.send(messages("b0", *(f"c{n}" for n in range(12))))
    # The time of the batch was over after 40.
    await queue.settle(first[:40], [MessageFailure(each, "late", Disposition.RELEASE) for each in first[40:]])
    second = await queue.receive(500, 0)
    a, c = ([f"{name}{n}" for n in range(500)] for name in "ac")
    # Each of three groups has a third of the places, and no more than a turn of one comes before the others.
    assert bodies(second) == [*a[40:50], "b0", *c[:10], *a[50:60], *c[10:12], *a[60:206]]
    # What was given back comes again as if for the first time.
    assert {each.attempt for each in second} == {1}


async def test_a_held_group_waits_and_another_does_not(queue: TablesQueue) -> None:
    await queue.send(messages("a1", "a2"))
    [held] = await queue.receive(1, 0)
    await queue.send(messages("a3", "b1"))
    assert bodies(await queue.receive(10, 0)) == ["b1"]
    await queue.settle([held], [])
    assert bodies(await queue.receive(10, 0)) == ["a2", "a3"]


async def test_what_was_sent_is_not_sent_again(queue: TablesQueue, url: str) -> None:
    assert await queue.send(messages("a1", "a1", "a2")) == 2
    assert await queue.send(messages("a2", "a3")) == 1
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE queue_deduplication SET sent_at = now() - %s", (timedelta(seconds=301),))
    assert await queue.send(messages("a2")) == 1
    assert bodies(await queue.receive(10, 0)) == ["a1", "a2", "a3", "a2"]


async def test_a_failed_message_holds_back_its_group(queue: TablesQueue) -> None:
    await queue.send(messages("a1", "a2", "a3", "b1"))
    a1, a2, a3, b1 = await queue.receive(10, 0)
    await queue.settle([a1, b1], [MessageFailure(a2, "no"), MessageFailure(a3, "behind", Disposition.RELEASE)])
    # It comes alone: it may be what its receiver dies of.
    [again] = await queue.receive(10, 0)
    assert (again.body, again.attempt, again.reason) == ("a2", 2, "no")
    assert await queue.receive(10, 0) == []
    await queue.settle([again], [])
    [last] = await queue.receive(10, 0)
    assert (last.body, last.attempt, last.reason) == ("a3", 1, "")


async def test_a_failed_message_waits(main: Database) -> None:
    queue = TablesQueue(main, "q", delay=600)
    await queue.send(messages("a1", "a2"))
    a1, a2 = await queue.receive(10, 0)
    await queue.settle([], [MessageFailure(a1, "no"), MessageFailure(a2, "behind", Disposition.RELEASE)])
    assert await queue.receive(10, 0) == []


async def test_after_its_attempts_a_message_is_a_dead_letter_and_its_group_goes_on(queue: TablesQueue) -> None:
    await queue.send(messages("a1", "a2"))
    for attempt in (1, 2, 3):
        a1 = (await queue.receive(1, 0))[0]
        assert (a1.body, a1.attempt) == ("a1", attempt)
        await queue.settle([], [MessageFailure(a1, f"no {attempt}")])
    assert bodies(await queue.receive(10, 0)) == ["a2"]
    [dead] = await queue.list_dead_letters(10)
    assert (dead.body, dead.attempt, dead.reason, dead.request_id) == ("a1", 3, "no 3", "r-a1")


async def test_what_its_receivers_die_of_is_a_dead_letter(queue: TablesQueue, url: str) -> None:
    await queue.send(messages("a1", "a2"))
    for attempt in (1, 2, 3):
        assert (await queue.receive(10, 0))[0].attempt == attempt
        end_visibility(url)
    assert await queue.receive(10, 0) == []
    [dead] = await queue.list_dead_letters(10)
    assert (dead.body, dead.reason) == ("a1", "received 3 times and never settled")
    assert bodies(await queue.receive(10, 0)) == ["a2"]


async def test_a_late_receiver_settles_nothing(queue: TablesQueue, url: str) -> None:
    await queue.send(messages("a1"))
    [late] = await queue.receive(10, 0)
    end_visibility(url)
    [now] = await queue.receive(10, 0)
    await queue.settle([late], [])
    await queue.settle([], [MessageFailure(late, "late", Disposition.DEAD_LETTER)])
    assert ((await queue.depth()).waiting, await queue.list_dead_letters(10)) == (1, [])
    await queue.settle([now], [])
    assert (await queue.depth()).waiting == 0


async def test_dead_letters_are_replayed_or_dropped_by_id_or_all(queue: TablesQueue) -> None:
    await queue.send(messages("a1", "a2", "a3", "b1"))
    received = await queue.receive(10, 0)
    await queue.settle([], [MessageFailure(each, f"bad {each.body}", Disposition.DEAD_LETTER) for each in received])
    assert await queue.receive(10, 0) == []
    by_body = {each.body: each.id for each in await queue.list_dead_letters(10)}
    assert await queue.redrive_dead_letters([by_body["a2"]]) == [by_body["a2"]]
    assert await queue.delete_dead_letters([by_body["a3"], by_body["a2"]]) == [by_body["a3"]]
    assert sorted(await queue.redrive_dead_letters(None)) == sorted([by_body["a1"], by_body["b1"]])
    assert await queue.list_dead_letters(10) == []
    again = await queue.receive(10, 0)
    assert {(each.body, each.attempt) for each in again} == {("a2", 1), ("a1", 1), ("b1", 1)}
    assert [each.body for each in again if each.group == "a"] == ["a2", "a1"]


async def test_burying_is_safe_to_repeat(queue: TablesQueue) -> None:
    message = Message("00000000-0000-4000-8000-000000000001", "g", "{}", 1)
    await queue.add_dead_letters([MessageFailure(message, "bad", Disposition.DEAD_LETTER)])
    await queue.add_dead_letters([MessageFailure(message, "worse", Disposition.DEAD_LETTER)])
    assert [(each.id, each.reason) for each in await queue.list_dead_letters(10)] == [(message.id, "bad")]


async def test_queues_of_other_names_are_apart(queue: TablesQueue, main: Database) -> None:
    await queue.send(messages("a1"))
    other = TablesQueue(main, "other")
    assert (await other.receive(10, 0), (await other.depth()).waiting) == ([], 0)
    assert await other.send(messages("a1")) == 1


async def test_a_receiver_waits_for_a_message(queue: TablesQueue) -> None:
    waiting = asyncio.create_task(queue.receive(10, 30))
    await asyncio.sleep(0)
    await queue.send(messages("a1"))
    assert bodies(await waiting) == ["a1"]


async def test_several_receivers_keep_the_order_of_every_group(queue: TablesQueue) -> None:
    texts = [f"{group}{number}" for number in range(20) for group in "abcde"]
    await queue.send(messages(*texts))
    seen: list[str] = []
    held: set[str] = set()

    async def work() -> None:
        while received := await queue.receive(7, 0.5):
            groups = {each.group for each in received}
            # Nobody else has any of these groups.
            assert not groups & held
            held.update(groups)
            seen.extend(bodies(received))
            await asyncio.sleep(0)
            held.difference_update(groups)
            await queue.settle(received, [])

    await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(seen) == sorted(texts)
    for group in "abcde":
        assert [text for text in seen if text[0] == group] == [f"{group}{number}" for number in range(20)]


async def test_a_group_cannot_have_two_heads(queue: TablesQueue, url: str) -> None:
    await queue.send(messages("a1", "a2"))
    with psycopg.connect(url) as connection, pytest.raises(errors.UniqueViolation):
        connection.execute("UPDATE queue_messages SET head = true")
