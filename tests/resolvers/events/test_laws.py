"""The law of events: however they are ordered, repeated and cut into batches, the newest of each entity remains."""

import asyncio
import itertools
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from resolvers.events.consumer import process_messages
from tests.fixtures.events import messages, prepare, related, removed, retired, rows, state, upserted
from tests.fixtures.profiles import examples

ITEMS = ("a", "b", "c")
ENDS = ("p>q", "q>p")


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of a few entities; some moments are shared, so that ids decide."""
    made: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 12))):
        seconds = draw(st.integers(0, 5))
        item, ends = draw(st.sampled_from(ITEMS)), draw(st.sampled_from(ENDS))
        id = f"e{number:02}"
        whole: dict[str, Any] = {"name": f"name {id}", "status": "ACTIVE", "attributes": {"by": id}}
        made.append(
            draw(
                st.sampled_from([
                    upserted(id, item, seconds, **whole),
                    retired(id, item, seconds),
                    related(id, ends, seconds, attributes={"by": id}),
                    removed(id, ends, seconds),
                ])
            )
        )  # fmt: skip
    return made


def mark(event: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(event["time"]), event["id"]


def expected(events: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The slow and obvious way: sort everything, and look at the last of each kind."""
    items, edges = [], []
    ordered = sorted(events, key=mark)

    def last(kind: str, entity: Any) -> dict[str, Any] | None:
        of = [
            each
            for each in ordered
            if each["type"].endswith(kind)
            and (each["data"].get("item") or (each["data"]["from"], each["data"]["to"])) == entity
        ]
        return of[-1] if of else None

    for name in ITEMS:
        entity: Any = {"source": "cmdb", "key": name}
        upsert, end = last("item.upserted", entity), last("item.retired", entity)
        if upsert:
            status = "RETIRED" if end and mark(end) > mark(upsert) else "ACTIVE"
            data = upsert["data"]
            items.append((name, data["name"], "service", status, "UNKNOWN", "MEDIUM", None, data["attributes"]))
    for pair in ENDS:
        from_, to = pair.split(">")
        entity = ({"source": "cmdb", "key": from_}, {"source": "cmdb", "key": to})
        upsert, end = last("relationship.upserted", entity), last("relationship.removed", entity)
        if upsert and not (end and mark(end) > mark(upsert)):
            edges.append((from_, "depends_on", to, "/cmdb", upsert["data"]["attributes"], True))
    return items, edges


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.data())
def test_any_order_with_duplicates_ends_in_the_newest(
    events_url: str, events: list[dict[str, Any]], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=6))
    order = data.draw(st.permutations(events + repeats))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order)), max_size=3)) | {0, len(order)})
    prepare(events_url)

    async def run() -> None:
        main = Database("main", events_url)
        sources = Sources(main, main, RecursiveGraph(main), NoCache())
        try:
            for batch in (messages([upserted("p", "p"), upserted("q", "q")]), *_cut(messages(order), cuts)):
                handled = await process_messages(sources, batch)
                assert handled.failed == []
        finally:
            await main.close()

    asyncio.run(run())
    items, edges = state(events_url)
    assert ([item for item in items if item[0] in ITEMS], edges) == expected(events)
    assert rows(events_url, "SELECT count(*) FROM received_events") == [(len(events) + 2,)]


def _cut(whole: list[Any], cuts: list[int]) -> list[list[Any]]:
    return [whole[begin:end] for begin, end in itertools.pairwise(cuts)]
