"""Laws of what is told while it changes: as a poll tells it, wherever it is broken off, to who may see it by then."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import feed
from datasources.errors import SourceUnavailable
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind, FeedStep
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers import outbox_poller as live_tail
from resolvers.change_feed.subscription import stream_changes
from resolvers.context import Context
from resolvers.errors import SlowConsumer
from resolvers.event_batch import EventBatch
from resolvers.outbox_poller import Listener, OutboxPoller
from resolvers.principals.principal import Principal
from resolvers.subscription_state import SubscriptionState
from tests.fixtures.databases import READER, person
from tests.fixtures.feeding import OTHER, TEAM, Rows
from tests.fixtures.profiles import examples
from tests.fixtures.stream_stores import rows, sources, url

__all__ = ["rows", "sources", "url"]

WHO = person(*READER, "feed:read", "relationships:read")


def listened(
    sources: Sources, tail: OutboxPoller, place: FeedCursor | None, who: Principal = WHO
) -> AsyncGenerator[EventBatch[FeedEntry], None]:
    """What one hears from a place on."""

    async def prove() -> Principal:
        return who

    loop = asyncio.get_running_loop()
    listening = SubscriptionState(
        tail, prove, loop.time(), reauthenticate_seconds=0, heartbeat_seconds=0.1, batch_size=3
    )
    context = Context(who, who.scope, sources, RequestContext(), subscription=listening)
    return stream_changes(context, listening, place, None, None)


async def heard(stream: AsyncIterator[EventBatch[FeedEntry]], count: int) -> list[FeedEntry]:
    """At least so many entries."""
    found: list[FeedEntry] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += (await anext(stream)).events
    return found


class Numbers:
    """Numbers that no test used before."""

    def __init__(self) -> None:
        self.next = 0

    def some(self, count: int) -> range:
        self.next += count
        return range(self.next - count + 1, self.next + 1)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "read", "write while it is read"]), st.integers(1, 9)),
        st.tuples(st.just("leave"), st.just(0)),
    ),
    max_size=12,
)


# The pool's own waits are of random length, on the loop, while a strategy draws: Hypothesis takes them for its own.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_it_tells_what_a_poll_tells_wherever_it_is_broken_off(sources: Sources, rows: Rows) -> None:
    numbers = Numbers()
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples(30))
    @given(STEPS)
    def law(steps: Sequence[tuple[str, int]]) -> None:
        asyncio.run_coroutine_threadsafe(_as_polled(sources, rows, numbers, steps), loop).result(60)

    await asyncio.to_thread(law)


async def _as_polled(sources: Sources, rows: Rows, numbers: Numbers, steps: Sequence[tuple[str, int]]) -> None:
    tail = OutboxPoller(sources.main, every=0.005, page=4)
    begin = place = await feed.fetch_end(sources.main)
    stream = listened(sources, tail, place)
    told: list[FeedEntry] = []
    written = 0
    for step, count in [*steps, ("write", 1), ("read", 10_000)]:
        if step == "write":
            rows.items(*numbers.some(count))
            written += count
        elif step == "write while it is read":
            writing = asyncio.to_thread(rows.items, *numbers.some(count))
            written += count
            told += (await asyncio.gather(heard(stream, count), writing))[0]
            place = told[-1].place
        elif step == "read":
            told += await heard(stream, min(count, written - len(told)))
            place = told[-1].place if told else place
        else:
            await stream.aclose()
            stream = listened(sources, tail, place)
    await stream.aclose()
    polled = await feed.fetch_since(sources.main, begin, list(FeedKind), None, Scope(False, ()), 1_000)
    assert told == polled.entries
    assert len(told) == written


async def test_what_waits_is_looked_at_when_its_turn_comes(sources: Sources, rows: Rows) -> None:
    """Between the look at the outbox and the turn of an entry its incident became restricted, or open."""
    tail = OutboxPoller(sources.main, every=0.005)
    async with aclosing(listened(sources, tail, None)) as stream:
        assert (await anext(stream)).events == ()
        rows.incident(1)
        rows.incident(2, OTHER)
        rows.items(3)
        [listener] = tail._listeners
        async with asyncio.timeout(20):
            while len(listener._waiting) < 3:
                await asyncio.sleep(0.01)
        rows.restrict(1, TEAM)
        rows.restrict(2, None)
        assert [int(each.entity_id[-12:], 16) for each in await heard(stream, 2)] == [2, 3]


async def test_nobody_looks_where_nobody_listens(sources: Sources, rows: Rows) -> None:
    tail = OutboxPoller(sources.main, every=0.005)
    for number in (1, 2):
        async with aclosing(listened(sources, tail, None)) as one, aclosing(listened(sources, tail, None)) as two:
            assert ((await anext(one)).events, (await anext(two)).events) == ((), ())
            rows.items(number)
            assert await heard(one, 1) == await heard(two, 1)
            assert tail._task is not None
        assert tail._task is None
        assert not tail._listeners


async def test_a_fault_of_the_tail_ends_who_listens_and_the_next_begins_anew(
    sources: Sources, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = OutboxPoller(sources.main, every=0.005)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with aclosing(listened(sources, tail, None)) as stream:
        await anext(stream)
        monkeypatch.setattr(feed, "fetch_tail", broken)
        with pytest.raises(ZeroDivisionError):
            await heard(stream, 1)
    monkeypatch.undo()
    async with aclosing(listened(sources, tail, None)) as stream:
        await anext(stream)
        rows.items(1)
        assert len(await heard(stream, 1)) == 1


async def test_a_step_that_nobody_knows_ends_no_stream(sources: Sources, rows: Rows, url: str) -> None:
    tail = OutboxPoller(sources.main, every=0.005)
    async with aclosing(listened(sources, tail, None)) as stream:
        await anext(stream)
        with psycopg.connect(url) as connection:
            connection.execute(
                "INSERT INTO outbox (entity, entity_id, change) VALUES ('TEAM', gen_random_uuid(), 'ARCHIVED')"
            )
        rows.items(1)
        assert [each.step for each in await heard(stream, 2)] == [FeedStep.CHANGED, FeedStep.CREATED]


def entry(position: int, kind: FeedKind = FeedKind.TEAM, id: str = "a") -> FeedEntry:
    return FeedEntry(1, position, kind, id, FeedStep.CREATED, "", psycopg.TimestampFromTicks(0))


async def test_a_listener_keeps_what_it_wants_and_no_more_than_its_buffer() -> None:
    listener = Listener(FeedCursor(0, 0), {FeedKind.TEAM}, {"a"}, 3, asyncio.Event())
    end = FeedCursor(1, 9)
    assert listener.offer([entry(1), entry(2, FeedKind.USER), entry(3, id="b"), entry(4)], end)
    assert (listener.has_room(1), listener.has_room(2), listener.position) == (True, False, end)
    assert not listener.offer([entry(5), entry(6)], FeedCursor(1, 10))
    # It ends where it lacks something, not before, and not behind it.
    assert [each.position for each in await listener.next_entries(1, 0)] == [1]
    assert [each.position for each in await listener.next_entries(9, 0)] == [4]
    with pytest.raises(SlowConsumer):
        await listener.next_entries(9, 0)
    assert listener.position == end


async def test_a_look_that_outlives_its_cancelling_is_the_last_of_its_task(
    sources: Sources, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may answer a cancelling by an error of its own: two that look would tell everything twice."""
    monkeypatch.setattr(live_tail, "RETRY_SECONDS", 0.0)
    looked, real = asyncio.Event(), feed.fetch_tail

    async def stubborn(main: Database, place: FeedCursor, limit: int) -> feed.FeedBatch:
        monkeypatch.setattr(feed, "fetch_tail", real)
        looked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise SourceUnavailable("main", "cancelled") from None
        raise AssertionError("unreachable")

    monkeypatch.setattr(feed, "fetch_tail", stubborn)
    tail = OutboxPoller(sources.main, every=0.005)
    async with tail.subscribe(list(FeedKind), None):
        await looked.wait()
    async with tail.subscribe(list(FeedKind), None) as listener:
        await asyncio.sleep(0.05)
        assert [each.get_name() for each in asyncio.all_tasks()].count("tail of the outbox") == 1
        rows.items(1, 2)
        told = [each.entity_id for _ in range(2) for each in await listener.next_entries(10, 1.0)]
        assert sorted(told) == sorted(set(told))
