"""What fails with what: the fixed point equals plain repetition, for any graph and any groups."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.graph.port import Edge, Impact
from datasources.records.relationships import RedundancyGroupRecord
from resolvers.impact import fail

NODES = [f"n{number}" for number in range(8)]


def plain(failed: frozenset[str], edges: Sequence[Edge], groups: Mapping[str, RedundancyGroupRecord]) -> frozenset[str]:
    """Repeat the definition until nothing changes."""
    down = set(failed)
    while True:
        more = {
            node
            for node in NODES
            if node not in down
            and (
                any(cause in down and effect == node and group not in groups for cause, effect, group in facts(edges))
                or any(
                    len([m for m in group.members if m not in down]) < group.needed
                    and any(effect == node and g == id_ and c in down for c, effect, g in facts(edges))
                    for id_, group in groups.items()
                )
            )
        }
        if not more:
            return frozenset(down)
        down |= more


def facts(edges: Sequence[Edge]) -> list[tuple[str, str, str | None]]:
    """Cause, effect and group of each edge through which impact flows."""
    return [
        (e.from_id, e.to_id, e.group_id) if e.impact is Impact.FORWARD else (e.to_id, e.from_id, e.group_id)
        for e in edges
        if e.impact is not Impact.NONE
    ]


@st.composite
def landscapes(draw: st.DrawFn) -> tuple[list[Edge], dict[str, RedundancyGroupRecord]]:
    """Edges among eight nodes; each dependent may have a group over some of its causes."""
    pairs = draw(
        st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from(Impact)), max_size=20)
    )
    edges: list[Edge] = []
    members: dict[str, list[str]] = {}
    for number, (from_id, to_id, impact) in enumerate(pairs):
        cause, effect = (from_id, to_id) if impact is Impact.FORWARD else (to_id, from_id)
        group = f"g-{effect}" if impact is not Impact.NONE and draw(st.booleans()) else None
        if group:
            members.setdefault(group, []).append(cause)
        edges.append(Edge(f"e{number}", from_id, to_id, "t", impact, group))
    groups = {
        id_: RedundancyGroupRecord(id_, id_[2:], "g", draw(st.integers(1, 4)), tuple(sorted(set(causes))))
        for id_, causes in members.items()
    }
    return edges, groups


@settings(max_examples=300, deadline=None)
@given(landscapes(), st.frozensets(st.sampled_from(NODES), min_size=1, max_size=3))
def test_failing_equals_plain_repetition(
    landscape: tuple[list[Edge], dict[str, RedundancyGroupRecord]], failed: frozenset[str]
) -> None:
    edges, groups = landscape
    assert fail(failed, edges, groups) == plain(failed, edges, groups)


def test_two_of_three_replicas_keep_a_service_up() -> None:
    edges = [Edge(f"e{n}", "service", f"replica{n}", "depends_on", Impact.REVERSE, "g") for n in range(3)]
    groups = {"g": RedundancyGroupRecord("g", "service", "replicas", 2, ("replica0", "replica1", "replica2"))}
    assert fail({"replica0"}, edges, groups) == {"replica0"}
    assert fail({"replica0", "replica1"}, edges, groups) == {"replica0", "replica1", "service"}
