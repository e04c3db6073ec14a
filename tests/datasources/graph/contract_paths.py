"""The laws of shortest paths and of walks into the past. Needs the fixtures `load` and `load_history`."""

import pytest

from datasources.graph.port import (
    Direction,
    Edge,
    Impact,
    Neighbours,
    Path,
    Paths,
    Reach,
    Reached,
    Step,
    Subgraph,
    TypeDegree,
    Walk,
)
from tests.datasources.graph.contract import Load
from tests.fixtures.graph import day, edge, links, node, now
from tests.oracles.graph import Version

OUT = Walk(Direction.OUT, max_depth=10)


def path(nodes: tuple[int, ...], *hops: tuple[Edge, ...]) -> Path:
    """A path through numbered nodes."""
    return Path(tuple(node(number) for number in nodes), hops)


class PathLaws:
    async def test_both_ends_the_same_is_one_path_without_hops(self, load: Load) -> None:
        graph = await load(links((1, 1), (1, 2), (2, 1)))
        assert await graph.paths(node(1), node(1), OUT, 5) == Paths((path((1,)),), truncated=False)
        assert await graph.paths(node(99), node(99), OUT, 1) == Paths((path((99,)),), truncated=False)

    async def test_no_path_and_unknown_ends_are_answers(self, load: Load) -> None:
        graph = await load(links((1, 2), (3, 2), (2, 2)))
        for ends in ((1, 3), (2, 1), (1, 99), (99, 1)):
            assert await graph.paths(node(ends[0]), node(ends[1]), OUT, 5) == Paths((), truncated=False)

    async def test_all_shortest_paths_in_order_with_parallel_edges(self, load: Load) -> None:
        graph = await load(links((1, 4), (1, 2), (4, 5), (2, 5), (1, 4), (5, 5), (1, 3), (3, 6), (6, 5), (5, 1)))
        expected = (
            path((1, 2, 5), (edge(2, 1, 2),), (edge(4, 2, 5),)),
            path((1, 4, 5), (edge(1, 1, 4), edge(5, 1, 4)), (edge(3, 4, 5),)),
        )
        assert await graph.paths(node(1), node(5), OUT, 2) == Paths(expected, truncated=False)
        assert await graph.paths(node(1), node(5), OUT, 1) == Paths(expected[:1], truncated=True)

    async def test_edge_facts_and_redundancy_groups_are_kept(self, load: Load) -> None:
        edges = (edge(1, 1, 2, "runs_on", Impact.REVERSE, group=7), edge(2, 2, 3, "feeds", Impact.NONE))
        graph = await load(now(edges))
        assert await graph.paths(node(1), node(3), OUT, 1) == Paths(
            (path((1, 2, 3), (edges[0],), (edges[1],)),), truncated=False
        )

    async def test_a_path_of_many_hops_ends_at_max_depth(self, load: Load) -> None:
        graph = await load(links(*((id, id + 1) for id in range(1, 65))))
        hops = tuple((edge(id, id, id + 1),) for id in range(1, 65))
        walk = Walk(Direction.OUT, max_depth=64)
        assert await graph.paths(node(1), node(65), walk, 1) == Paths(
            (path(tuple(range(1, 66)), *hops),), truncated=False
        )
        assert await graph.paths(node(1), node(65), Walk(Direction.OUT, max_depth=63), 1) == Paths((), truncated=False)

    async def test_directions(self, load: Load) -> None:
        forward, reverse = edge(1, 1, 2, "a", Impact.FORWARD), edge(2, 3, 2, "b", Impact.REVERSE)
        without = edge(3, 3, 1, "c", Impact.NONE)
        graph = await load(now([forward, reverse, without]))
        found = path((1, 2, 3), (forward,), (reverse,))
        back = path((3, 2, 1), (reverse,), (forward,))
        for walk, ends, expected in (
            (Walk(Direction.DEPENDENTS), (1, 3), (found,)),
            (Walk(Direction.DEPENDENTS), (3, 1), ()),
            (Walk(Direction.DEPENDENCIES), (3, 1), (back,)),
            (Walk(Direction.BOTH), (1, 3), (path((1, 3), (without,)),)),
            (Walk(Direction.BOTH, types=("a", "b")), (1, 3), (found,)),
            (Walk(Direction.IN), (1, 3), (path((1, 3), (without,)),)),
            (Walk(Direction.OUT, types=()), (3, 1), ()),
        ):
            assert await graph.paths(node(ends[0]), node(ends[1]), walk, 9) == Paths(expected, truncated=False)

    async def test_a_cap_on_either_side_is_told(self, load: Load) -> None:
        graph = await load(links((1, 2), (1, 3), (3, 4), (2, 5), (6, 4), (7, 4)))
        narrow = Walk(Direction.OUT, fan_out=1)
        # From 1 only 2 is followed, then 4 is met from 3 against the walk, and they never meet.
        assert await graph.paths(node(1), node(4), narrow, 5) == Paths((), truncated=True)
        # 3 is the first of the nodes that enter 4: the far side finds it although 3 enters a capped node.
        assert await graph.paths(node(3), node(4), Walk(Direction.OUT, fan_out=2), 5) == Paths(
            (path((3, 4), (edge(3, 3, 4),)),), truncated=False
        )

    async def test_sides_that_meet_twice_join_where_the_path_is_shorter(self, load: Load) -> None:
        # Caps against the walk hide 6 -> 5 and 7 -> 4 from the far side, so both are met late, and by one turn:
        # 5 is one hop from 30, 4 is two.
        graph = await load(
            links(
                (20, 6), (20, 7), (20, 8), (6, 5), (7, 4), (5, 30), (4, 5), (4, 5), (5, 5), (1, 4), (2, 4), (3, 4),
            )
        )  # fmt: skip
        assert await graph.paths(node(20), node(30), Walk(Direction.OUT, max_depth=9, fan_out=3), 5) == Paths(
            (path((20, 6, 5, 30), (edge(1, 20, 6),), (edge(4, 6, 5),), (edge(6, 5, 30),)),), truncated=True
        )

    async def test_at_most_counts_paths_and_not_edges(self, load: Load) -> None:
        graph = await load(links((1, 2), (1, 2), (1, 2)))
        hop = (edge(1, 1, 2), edge(2, 1, 2), edge(3, 1, 2))
        assert await graph.paths(node(1), node(2), OUT, 1) == Paths((path((1, 2), hop),), truncated=False)

    async def test_an_answer_holds_at_least_one_path(self, load: Load) -> None:
        graph = await load(links((1, 2)))
        for ends in ((1, 2), (1, 1)):
            with pytest.raises(ValueError, match="0"):
                await graph.paths(node(ends[0]), node(ends[1]), OUT, 0)


class HistoryLaws:
    """Edge 1 is retyped on day 10 and removed on day 20; edge 2 has been there since day 10."""

    VERSIONS = (
        Version(edge(1, 1, 2, "uses", Impact.NONE), day(0), day(10)),
        Version(edge(1, 1, 2, "depends_on", Impact.FORWARD, group=3), day(10), day(20)),
        Version(edge(2, 2, 3, "feeds"), day(10)),
    )

    @pytest.mark.parametrize(
        ("moment", "reached", "type"),
        [
            (-1, (), None),
            (0, ((1, 2),), "uses"),
            (9, ((1, 2),), "uses"),
            (10, ((1, 2), (2, 3)), "depends_on"),
            (19, ((1, 2), (2, 3)), "depends_on"),
            (20, (), None),
        ],
    )
    async def test_a_walk_sees_what_was_valid_then(
        self, load_history: Load, moment: int, reached: tuple[tuple[int, int], ...], type: str | None
    ) -> None:
        graph = await load_history(list(self.VERSIONS))
        walk = Walk(Direction.OUT, as_of=day(moment))
        nodes = tuple(Reached(node(id), depth) for depth, id in reached)
        assert await graph.reach([frozenset([node(1)])], walk) == [Reach(nodes)]
        then = [version.edge for version in self.VERSIONS if version.edge.type == type]
        steps = tuple(Step(node(2), found, outgoing=True) for found in then)
        assert await graph.neighbours([node(1)], walk) == {node(1): Neighbours(steps, len(then), truncated=False)}
        assert await graph.subgraph([node(1), node(2)], walk, 5) == Subgraph(tuple(then), truncated=False)
        assert await graph.degrees([node(1)], day(moment)) == {
            node(1): [TypeDegree(found.type, 1, 0) for found in then]
        }
        paths = tuple(path((1, 2), (found,)) for found in then)
        assert await graph.paths(node(1), node(2), walk, 5) == Paths(paths, truncated=False)

    async def test_a_walk_now_does_not_see_the_past(self, load_history: Load) -> None:
        graph = await load_history(list(self.VERSIONS))
        assert await graph.reach([frozenset([node(1)])], OUT) == [Reach(())]
        assert await graph.paths(node(1), node(2), OUT, 5) == Paths((), truncated=False)
        assert await graph.subgraph([node(1), node(2)], OUT, 5) == Subgraph((), truncated=False)
        assert await graph.degrees([node(1)]) == {node(1): []}

    async def test_past_and_present_edges_share_one_order_and_one_cap(self, load_history: Load) -> None:
        graph = await load_history(
            [
                Version(edge(1, 1, 4), day(0)),
                Version(edge(2, 1, 3), day(0), day(9)),
                Version(edge(3, 1, 2), day(0)),
                Version(edge(4, 1, 5), day(0), day(9)),
            ]
        )
        [answer] = await graph.reach([frozenset([node(1)])], Walk(Direction.OUT, fan_out=3, as_of=day(5)))
        assert [item.id for item in answer.nodes] == [node(2), node(3), node(4)]
        assert [(cap.degree, cap.shown) for cap in answer.capped] == [(4, 3)]
