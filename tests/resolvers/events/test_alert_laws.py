"""The law of alerts: however notifications are ordered and repeated, the same alerts and the same incidents remain."""

import asyncio
from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from resolvers.events.consumer import process_messages
from tests.fixtures.alerts import alerts, fired, resolved
from tests.fixtures.events import key, messages, prepare, rows, upserted
from tests.fixtures.profiles import examples

GROUPS = {"f1": "g1", "f2": "g1", "f3": "g2"}
ITEMS = {"f1": "a", "f2": "b", "f3": "a"}


# A firing of an alert: when it begins, when it was said to end, and how grave it is.
Firing = tuple[str, int, tuple[int, ...], int]


@st.composite
def firings(draw: st.DrawFn) -> list[Firing]:
    """Firings within a day, so that all of a group belong together; some overlap, as when a start moves."""
    found: dict[tuple[str, int], Firing] = {}
    for _ in range(draw(st.integers(1, 6))):
        fingerprint, start = draw(st.sampled_from(sorted(GROUPS))), draw(st.integers(0, 20))
        ends = tuple(draw(st.lists(st.integers(start, 30), max_size=2, unique=True)))
        found[fingerprint, start] = (fingerprint, start, ends, draw(st.integers(1, 5)))
    return list(found.values())


def told(firing: Firing) -> list[dict[str, Any]]:
    """The news of a firing."""
    fingerprint, start, ends, level = firing
    group, items = GROUPS[fingerprint], [key("nothing"), key(ITEMS[fingerprint])]
    id = f"{fingerprint}-{start}"
    news = [fired(id, fingerprint, start, group=group, impact=level, urgency=level, items=items)]
    return news + [resolved(f"{id}-end-{end}", fingerprint, start, end, group=group) for end in ends]


def expected(told_of: list[Firing]) -> tuple[list[Any], list[Any]]:
    """The slow and obvious way: a firing is over by the first end of its alert that is not before its start. Of several
    ends of one firing the last counts."""
    left, by_group = [], defaultdict(list)
    for fingerprint, start, _, level in sorted(told_of):
        ends = [max(each) for other, _, each, _ in told_of if other == fingerprint and each and max(each) >= start]
        left.append((fingerprint, "RESOLVED" if ends else "FIRING", start, min(ends, default=None), True))
        by_group[GROUPS[fingerprint]].append((not ends, level, ITEMS[fingerprint]))
    groups = [
        (any(fires for fires, _, _ in each), min(level for _, level, _ in each), len(each),
         sorted({item for _, _, item in each}))
        for each in by_group.values()
    ]  # fmt: skip
    return left, sorted(groups)


def incidents(url: str) -> list[Any]:
    """Incidents as the law speaks of them: open or resolved, the level, how many alerts, and which items."""
    found = rows(
        url,
        "SELECT i.state, i.impact, i.urgency, (SELECT count(*) FROM alerts a WHERE a.incident_id = i.id), "
        "(SELECT array_agg(k.key ORDER BY k.key) FROM incident_configuration_items x "
        " JOIN configuration_item_keys k USING (configuration_item_id) WHERE x.incident_id = i.id) FROM incidents i",
    )
    assert {state for state, *_ in found} <= {"NEW", "IN_PROGRESS", "RESOLVED"}
    assert all(impact == urgency for _, impact, urgency, _, _ in found)
    return sorted((state != "RESOLVED", impact, count, items) for state, impact, _, count, items in found)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(firings(), st.data())
def test_any_order_with_duplicates_ends_in_the_same(
    events_url: str, told_of: list[Firing], data: st.DataObject
) -> None:
    news = [each for firing in told_of for each in told(firing)]
    # Told again with the same id, or with another because an annotation moved.
    repeats = [
        each if data.draw(st.booleans()) else each | {"id": f"{each['id']}-again"}
        for each in data.draw(st.lists(st.sampled_from(news), max_size=4))
    ]
    order = data.draw(st.permutations(news + repeats))
    prepare(events_url)

    async def run() -> None:
        main = Database("main", events_url)
        sources = Sources(main, main, RecursiveGraph(main), NoCache())
        try:
            for batch in ([upserted("a", "a"), upserted("b", "b")], order):
                assert (await process_messages(sources, messages(batch))).failed == []
        finally:
            await main.close()

    asyncio.run(run())
    assert (alerts(events_url), incidents(events_url)) == expected(told_of)
