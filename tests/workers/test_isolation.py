"""Poison in a batch of events: it alone is set aside with its reason, in whatever place it stands, and order holds."""

import json
import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.queues.factory import open_queues
from datasources.queues.port import Disposition, Message, MessageFailure
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources
from resolvers.events import consumer as handling
from resolvers.events.apply_batch import apply_batch
from resolvers.events.consumer import Settlement
from resolvers.events.results import EventResult, ReceivedEvent
from tests.fixtures.emf import measured, values
from tests.fixtures.events import rows, state, upserted
from tests.workers.test_events import again, record, send
from workers import events as worker
from workers.isolation import MAX_ATTEMPTS, handle_isolated
from workers.redelivery import AttemptCounter

SECRET = "a value of a row"


class Unforeseen(Exception):
    """What nobody maps."""


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Ids of events; a batch that has one of them raises what nobody foresaw."""
    ids: set[str] = set()

    async def raising(sources: Sources, arrived: Sequence[ReceivedEvent], until: float) -> list[EventResult]:
        if ids & {each.event.id for each in arrived}:
            raise Unforeseen(SECRET)
        return await apply_batch(sources, arrived, until)

    monkeypatch.setattr(handling, "apply_batch", raising)
    return ids


@pytest.mark.parametrize("place", range(7))
async def test_wherever_poison_stands_the_rest_has_its_effect_in_its_order(
    sources: Sources, url: str, poisoned: set[str], place: int
) -> None:
    queue = open_queues(sources.main).events
    # One group, and each event renames the item of the one before: their order shows in the name.
    made = [upserted(str(n), "a", n, name=f"name {n}") for n in range(7)]
    poisoned.add(str(place))
    await send(queue, *made)
    assert (await worker.process_batch(sources, queue), await worker.process_batch(sources, queue)) == (7, 0)
    [dead] = await queue.list_dead_letters(10)
    assert (json.loads(dead.body)["id"], dead.attempt) == (str(place), 1)
    assert dead.reason.startswith("handling it failed: Unforeseen at tests/workers/test_isolation.py:")
    assert SECRET not in dead.reason
    last = 5 if place == 6 else 6
    assert [item[1] for item in state(url)[0]] == [f"name {last}"]
    # Each of the others had its effect once, although the halves were handled more than once.
    assert rows(url, "SELECT count(*) FROM received_events") == [(6,)]
    assert rows(url, "SELECT version FROM configuration_items") == rows(url, "SELECT count(*) FROM audit_entries")


async def test_several_in_several_groups_hold_nothing_back(sources: Sources, url: str, poisoned: set[str]) -> None:
    queue = open_queues(sources.main).events
    made = [upserted(str(n), f"i{n}", n, source=f"/s{n % 3}") for n in range(30)]
    poisoned.update({"0", "7", "8", "29"})
    await send(queue, *made)
    while await worker.process_batch(sources, queue):
        pass
    assert {json.loads(each.body)["id"] for each in await queue.list_dead_letters(100)} == {"0", "7", "8", "29"}
    assert rows(url, "SELECT count(*) FROM configuration_items") == [(26,)]
    assert (await queue.depth()).waiting == 0


async def test_where_nothing_works_each_is_tried_again_before_it_is_dead(sources: Sources, poisoned: set[str]) -> None:
    queue = TablesQueue(sources.main, "events", delay=0)
    await send(queue, upserted("1", "a"), upserted("2", "b", source="/other"))
    poisoned.update({"1", "2"})
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(Unforeseen):
            await worker.process_batch(sources, queue)
        dead = await queue.list_dead_letters(10)
        assert (len(dead), (await queue.depth()).waiting) == ((0, 2) if attempt < MAX_ATTEMPTS else (2, 0))
    assert {each.attempt for each in dead} == {MAX_ATTEMPTS}
    # Once the fault is ours no more, a replay gives them their effect.
    poisoned.clear()
    assert len(await queue.redrive_dead_letters(None)) == 2
    assert await worker.process_batch(sources, queue) == 2
    assert await queue.list_dead_letters(10) == []


async def test_a_fault_of_a_moment_costs_no_event(sources: Sources, url: str, poisoned: set[str]) -> None:
    queue = TablesQueue(sources.main, "events", delay=0)
    await send(queue, upserted("1", "a", name="first"), upserted("2", "a", 1, name="second"))
    poisoned.update({"1", "2"})
    with pytest.raises(Unforeseen):
        await worker.process_batch(sources, queue)
    poisoned.clear()
    while await worker.process_batch(sources, queue):
        pass
    assert await queue.list_dead_letters(10) == []
    assert [item[1] for item in state(url)[0]] == ["second"]


async def test_a_batch_logs_one_line_for_each_kind_of_fault(
    sources: Sources, poisoned: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    queue = open_queues(sources.main).events
    await send(queue, *(upserted(str(n), f"i{n}") for n in range(40)))
    poisoned.update({str(n) for n in range(20)})
    await worker.process_batch(sources, queue)
    [line] = [each for each in caplog.records if each.message == "events cannot be handled"]
    assert (vars(line)["count"], line.levelno, line.exc_info is not None) == (20, logging.ERROR, True)
    [told] = measured([line])
    assert (*values(told, "WorkerFailures"), told["Worker"]) == (20, "events")


async def test_an_invocation_of_lambda_loses_no_record_for_one(sources: Sources, url: str, poisoned: set[str]) -> None:
    queue = open_queues(sources.main).events
    records = [record(f"m{n}", "g", upserted(str(n), f"i{n}")) for n in range(5)]
    poisoned.add("2")
    assert again(await worker.partial_response(sources, queue, records)) == []
    [dead] = await queue.list_dead_letters(10)
    assert json.loads(dead.body)["id"] == "2"
    assert [item[0] for item in state(url)[0]] == ["i0", "i1", "i3", "i4"]


async def test_where_no_record_works_lambda_gets_all_of_them_again(
    sources: Sources, poisoned: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    queue = open_queues(sources.main).events
    records = [record(f"m{n}", "g", upserted(str(n), f"i{n}")) for n in range(3)]
    poisoned.update("012")
    for each in records:
        # As after an hour without a store.
        each["attributes"]["ApproximateReceiveCount"] = "40"
    tries = AttemptCounter()
    for _ in range(MAX_ATTEMPTS - 1):
        assert again(await worker.partial_response(sources, queue, records, tries)) == ["m0", "m1", "m2"]
    assert await queue.list_dead_letters(10) == []
    assert "events cannot be handled" in caplog.text
    assert again(await worker.partial_response(sources, queue, records, tries)) == ["m1", "m2"]
    # What is behind it is tried as often.
    for _ in range(2 * MAX_ATTEMPTS - 1):
        last = again(await worker.partial_response(sources, queue, records[1:], tries))
    assert (last, len(await queue.list_dead_letters(10))) == ([], 3)


MESSAGES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["works", "raises", "dead", "lost"])), min_size=1)


class Plain:
    """Handling as the port's laws want it: poison raises whatever else is in the batch, and a lost store ends it."""

    def __init__(self, poison: Collection[str], dead: Collection[str], lost: str | None) -> None:
        self.effects: list[str] = []
        self._poison, self._dead, self._lost = poison, dead, lost

    async def __call__(self, _: Sources, messages: Sequence[Message], now: datetime | None = None) -> Settlement:
        handled = Settlement([], [])
        lost = False
        for each in messages:
            lost = lost or each.id == self._lost
            if lost:
                handled.failed.append(MessageFailure(each, "away", Disposition.RELEASE))
            elif each.id in self._dead:
                handled.failed.append(MessageFailure(each, "impossible", Disposition.DEAD_LETTER))
            elif each.id in self._poison:
                raise Unforeseen
            else:
                if each.id not in self.effects:
                    self.effects.append(each.id)
                handled.done.append(each)
        return handled


@given(MESSAGES)
async def test_every_message_has_one_fate_and_effects_keep_their_order(kinds: list[tuple[str, str]]) -> None:
    messages = [Message(str(n), group, "", 1) for n, (group, _) in enumerate(kinds)]
    of: dict[str, list[str]] = {kind: [] for kind in ("works", "raises", "dead", "lost")}
    for n, (_, kind) in enumerate(kinds):
        of[kind].append(str(n))
    plain = Plain(of["raises"], of["dead"], of["lost"][0] if of["lost"] else None)
    nothing: Any = None
    handled, error = await handle_isolated(nothing, messages, plain)
    fates = {each.message.id: each.fate for each in handled.failed}
    assert sorted([*fates, *(each.id for each in handled.done)], key=int) == [each.id for each in messages]
    # What stands behind a lost store was not tried; before it everything was, whatever raised.
    end = int(of["lost"][0]) if of["lost"] else len(messages)
    tried = [str(n) for n in range(end)]
    works = [id for id in tried if id in of["works"]]
    assert plain.effects == [each.id for each in handled.done] == works
    poison = [id for id in tried if id in of["raises"]]
    assert (error is None) == (not poison or bool(works))
    assert (
        all(fates[id] is Disposition.DEAD_LETTER for id in poison)
        if works
        else all(fates[id] is not Disposition.DEAD_LETTER for id in poison)
    )
    # A group goes on behind what is dead, and nowhere behind what comes again.
    for place, message in enumerate(messages):
        if fates.get(message.id) in (Disposition.RETRY, Disposition.RELEASE):
            behind = [each.id for each in messages[place:] if each.group == message.group]
            assert not set(behind) & set(plain.effects)
