"""What fails with what: the fixed point equals plain repetition, for any graph, groups, statuses and caps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.graph.recursive.impact import GroupState
from resolvers.impact.failures import Flow, Judgement
from tests.fixtures.profiles import examples
from tests.oracles.impact import Link, judge

NODES = [f"n{number}" for number in range(8)]
STATUSES = ("ACTIVE", "ACTIVE", "ACTIVE", "MAINTENANCE", "PLANNED", "RETIRED")


@dataclass(frozen=True)
class Landscape:
    links: Sequence[Link]
    needed: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)

    def judged(self, failed: frozenset[str], max_depth: int) -> Judgement[str]:
        flow: Flow[str] = Flow()
        for link in self.links:
            flow.add(link.cause, link.effect, link.group)
        flow.statuses = {id: status for id, status in self.statuses.items() if status != "ACTIVE"}
        flow.groups = {
            group: GroupState(
                needed,
                len({e.cause for e in self.links if e.group == group and self.statuses[e.cause] == "ACTIVE"}),
            )
            for group, needed in self.needed.items()
        }
        return flow.judge(failed, max_depth)


@st.composite
def landscapes(draw: st.DrawFn) -> Landscape:
    """Edges among eight nodes, loops and parallel ones included; each dependent may have two groups."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=24))
    links = [
        Link(cause, effect, draw(st.sampled_from((None, f"g-{effect}", f"h-{effect}")))) for cause, effect in pairs
    ]
    groups = sorted({link.group for link in links if link.group})
    return Landscape(
        links,
        {group: draw(st.integers(1, 4)) for group in groups if draw(st.integers(0, 9))},
        {node: draw(st.sampled_from(STATUSES)) for node in NODES},
    )


@settings(max_examples=examples(500))
@given(landscapes(), st.frozensets(st.sampled_from(NODES), min_size=1, max_size=3), st.integers(1, 5))
def test_a_judgement_equals_plain_repetition(landscape: Landscape, failed: frozenset[str], max_depth: int) -> None:
    found = landscape.judged(failed, max_depth)
    told = [(depth, id, bool(fails)) for depth, id, fails in zip(found.depths, found.ids, found.fails, strict=True)]
    assert told == judge(landscape.links, landscape.needed, landscape.statuses, failed, max_depth)
    assert sum(count for _, count in found.by_depth()) == len(told)


def replicas(*statuses: str, needed: int = 1) -> Landscape:
    """A service that needs so many of its replicas."""
    links = [Link(f"replica{n}", "service", "g") for n in range(len(statuses))]
    return Landscape(
        links, {"g": needed}, {f"replica{n}": status for n, status in enumerate(statuses)} | {"service": "ACTIVE"}
    )


def service_fails(landscape: Landscape, *failed: str) -> bool:
    [fails] = landscape.judged(frozenset(failed), 10).fails
    return bool(fails)


def test_two_of_three_replicas_keep_a_service_up() -> None:
    landscape = replicas("ACTIVE", "ACTIVE", "ACTIVE", needed=2)
    assert not service_fails(landscape, "replica0")
    assert service_fails(landscape, "replica0", "replica1")


def test_only_an_active_spare_keeps_a_service_up() -> None:
    assert not service_fails(replicas("ACTIVE", "ACTIVE"), "replica0")
    for status in ("RETIRED", "PLANNED", "MAINTENANCE"):
        assert service_fails(replicas("ACTIVE", status), "replica0"), status
        # What was no healthy member takes nothing away when it fails.
        assert not service_fails(replicas("ACTIVE", status), "replica1"), status


def test_a_group_that_was_short_before_fails_with_what_reaches_it() -> None:
    landscape = replicas("ACTIVE", "MAINTENANCE", "RETIRED", needed=2)
    assert service_fails(landscape, "replica0")
    assert service_fails(landscape, "replica1")
    assert landscape.judged(frozenset({"elsewhere"}), 10).ids == []
