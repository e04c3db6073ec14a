"""The laws of steps, reaches, subgraphs and degrees. Needs a fixture `load`."""

from collections.abc import Awaitable, Callable

import pytest

from datasources.graph.port import (
    Capped,
    Direction,
    Graph,
    Impact,
    Neighbours,
    Position,
    Reach,
    Reached,
    Step,
    StepPosition,
    Subgraph,
    TypeDegree,
    Walk,
)
from datasources.request import RequestContext, use_request
from tests.fixtures.graph import edge, links, node, now
from tests.oracles.graph import Version

Load = Callable[[list[Version]], Awaitable[Graph]]

OUT = Walk(Direction.OUT)


def reached(*pairs: tuple[int, int]) -> tuple[Reached, ...]:
    """Nodes by (depth, number)."""
    return tuple(Reached(node(number), depth) for depth, number in pairs)


def start(*numbers: int) -> frozenset[str]:
    return frozenset(node(number) for number in numbers)


class ReachLaws:
    async def test_order_is_depth_then_id(self, load: Load) -> None:
        graph = await load(links((1, 9), (1, 3), (3, 2), (9, 8), (8, 7)))
        assert await graph.reach([start(1)], OUT) == [Reach(reached((1, 3), (1, 9), (2, 2), (2, 8), (3, 7)))]

    async def test_hops_are_bounded(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3), (3, 4)))
        assert await graph.reach([start(1)], OUT.one_hop()) == [Reach(reached((1, 2)))]

    async def test_a_node_stands_once_at_its_least_depth(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3), (1, 3), (3, 4), (2, 4)))
        assert await graph.reach([start(1)], OUT) == [Reach(reached((1, 2), (1, 3), (2, 4)))]

    async def test_cycles_and_self_loops_end_and_never_return_the_start(self, load: Load) -> None:
        graph = await load(links((1, 1), (1, 2), (2, 3), (3, 1), (3, 3)))
        assert await graph.reach([start(1)], Walk(Direction.OUT, max_depth=64)) == [Reach(reached((1, 2), (2, 3)))]

    async def test_starts_are_never_returned_even_when_they_reach_each_other(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 1), (2, 3), (1, 4), (4, 3)))
        assert await graph.reach([start(1, 2)], OUT) == [Reach(reached((1, 3), (1, 4)))]

    async def test_each_set_of_starts_is_a_walk_of_its_own(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3)))
        answers = await graph.reach([start(2), start(), start(1), start(2), start(99)], OUT)
        assert answers == [
            Reach(reached((1, 3))), Reach(()), Reach(reached((1, 2), (2, 3))), Reach(reached((1, 3))), Reach(()),
        ]  # fmt: skip

    async def test_a_batch_is_one_traversal_and_no_statement(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3)))
        with use_request(RequestContext()) as call:
            await graph.reach([start(1), start(2)], OUT)
            await graph.neighbours([node(1), node(2)], OUT)
            await graph.paths(node(1), node(3), OUT, 10)
            await graph.subgraph([node(1), node(2)], OUT, 10)
            await graph.degrees([node(1), node(2)])
        assert (call.usage.graph, call.usage.sql) == (5, 0)

    async def test_nothing_asked_costs_nothing(self, load: Load) -> None:
        graph = await load(links((1, 2)))
        with use_request(RequestContext()) as call:
            assert await graph.reach([], OUT) == []
            assert await graph.reach([start()], OUT) == [Reach(())]
            assert await graph.neighbours([], OUT) == {}
            assert await graph.subgraph([], OUT, 1) == Subgraph((), truncated=False)
            assert await graph.degrees([]) == {}
        assert (call.usage.graph, call.usage.sql) == (0, 0)

    @pytest.mark.parametrize(
        ("direction", "expected"),
        [
            (Direction.OUT, (2, 4, 6)),
            (Direction.IN, (3, 5, 7)),
            (Direction.BOTH, (2, 3, 4, 5, 6, 7)),
            (Direction.DEPENDENTS, (2, 5)),
            (Direction.DEPENDENCIES, (3, 4)),
        ],
    )
    async def test_direction_says_which_edges_are_followed(
        self, load: Load, direction: Direction, expected: tuple[int, ...]
    ) -> None:
        graph = await load(
            now([
                edge(1, 1, 2, impact=Impact.FORWARD), edge(2, 3, 1, impact=Impact.FORWARD),
                edge(3, 1, 4, impact=Impact.REVERSE), edge(4, 5, 1, impact=Impact.REVERSE),
                edge(5, 1, 6, impact=Impact.NONE), edge(6, 7, 1, impact=Impact.NONE),
            ])
        )  # fmt: skip
        assert await graph.reach([start(1)], Walk(direction)) == [Reach(reached(*((1, id) for id in expected)))]

    async def test_types_choose_edges_and_no_types_choose_none(self, load: Load) -> None:
        graph = await load(now([edge(1, 1, 2, "runs_on"), edge(2, 1, 3, "depends_on"), edge(3, 1, 4, 'it\'s "%s"')]))
        for types, expected in {
            ("runs_on",): ((1, 2),),
            ("runs_on", "depends_on", "unknown"): ((1, 2), (1, 3)),
            ('it\'s "%s"',): ((1, 4),),
            (): (),
            None: ((1, 2), (1, 3), (1, 4)),
        }.items():
            assert await graph.reach([start(1)], Walk(Direction.OUT, types=types)) == [Reach(reached(*expected))]


class CapLaws:
    async def test_a_capped_node_shows_its_first_edges_and_its_exact_degree(self, load: Load) -> None:
        graph = await load(links(*((1, id) for id in range(9, 1, -1)), (3, 10)))
        answer = await graph.reach([start(1)], Walk(Direction.OUT, fan_out=3))
        expected = Reach(reached((1, 2), (1, 3), (1, 4), (2, 10)), (Capped(node(1), 0, 8, 3),))
        assert answer == [expected]
        assert answer[0].truncated

    async def test_exactly_fan_out_edges_are_no_cap(self, load: Load) -> None:
        graph = await load(links((1, 2), (1, 3), (1, 4)))
        assert await graph.reach([start(1)], Walk(Direction.OUT, fan_out=3)) == [Reach(reached((1, 2), (1, 3), (1, 4)))]

    async def test_parallel_edges_count_for_the_cap_and_not_as_nodes(self, load: Load) -> None:
        graph = await load(links((1, 2), (1, 2), (1, 3)))
        assert await graph.reach([start(1)], Walk(Direction.OUT, fan_out=2)) == [
            Reach(reached((1, 2)), (Capped(node(1), 0, 3, 2),))
        ]

    async def test_a_self_loop_is_met_twice_in_both(self, load: Load) -> None:
        graph = await load(links((1, 1), (1, 2)))
        assert await graph.reach([start(1)], Walk(Direction.BOTH, fan_out=2)) == [
            Reach((), (Capped(node(1), 0, 3, 2),))
        ]
        assert await graph.reach([start(1)], Walk(Direction.BOTH, fan_out=3)) == [Reach(reached((1, 2)))]

    async def test_a_node_that_is_not_expanded_is_not_capped(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3), (2, 4), (2, 5)))
        walk = Walk(Direction.OUT, max_depth=1, fan_out=2)
        assert await graph.reach([start(1)], walk) == [Reach(reached((1, 2)))]

    async def test_degree_counts_only_the_types_of_the_walk(self, load: Load) -> None:
        graph = await load(now([edge(id, 1, id + 1, "a" if id % 2 else "b") for id in range(1, 10)]))
        assert await graph.reach([start(1)], Walk(Direction.OUT, types=("b",), fan_out=1)) == [
            Reach(reached((1, 3)), (Capped(node(1), 0, 4, 1),))
        ]

    async def test_pages_join_to_the_whole_and_name_caps_so_far(self, load: Load) -> None:
        # 1 -> 2, 3 (of three); 2 -> 5, 6 (of three); 5 -> 8.
        graph = await load(links((1, 2), (1, 3), (1, 4), (2, 5), (2, 6), (2, 7), (5, 8)))
        walk = Walk(Direction.OUT, fan_out=2, max_nodes=2)
        start_cap, second_cap = Capped(node(1), 0, 3, 2), Capped(node(2), 1, 3, 2)
        [first] = await graph.reach([start(1)], walk)
        # The third node stands at depth 2, so depth 1 was expanded.
        assert first == Reach(reached((1, 2), (1, 3)), (start_cap, second_cap), Position(1, node(3)))
        [second] = await graph.reach([start(1)], walk, first.cursor)
        assert second == Reach(reached((2, 5), (2, 6)), (start_cap, second_cap), Position(2, node(6)))
        [third] = await graph.reach([start(1)], walk, second.cursor)
        assert third == Reach(reached((3, 8)), (start_cap, second_cap))
        [whole] = await graph.reach([start(1)], Walk(Direction.OUT, fan_out=2))
        assert whole == Reach((*first.nodes, *second.nodes, *third.nodes), third.capped)

    async def test_levels_beyond_a_full_page_are_not_expanded(self, load: Load) -> None:
        graph = await load(links((1, 2), (1, 3), (2, 5), (2, 6), (2, 7)))
        assert await graph.reach([start(1)], Walk(Direction.OUT, fan_out=2, max_nodes=1)) == [
            Reach(reached((1, 2)), (), Position(1, node(2)))
        ]

    async def test_exactly_max_nodes_is_a_whole_answer(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3)))
        assert await graph.reach([start(1)], Walk(Direction.OUT, max_nodes=2)) == [Reach(reached((1, 2), (2, 3)))]

    async def test_a_place_past_the_end_leaves_nothing(self, load: Load) -> None:
        graph = await load(links((1, 2), (2, 3)))
        assert await graph.reach([start(1)], OUT, Position(7, node(0))) == [Reach(())]


class StepLaws:
    async def test_steps_stand_in_order_with_edge_facts(self, load: Load) -> None:
        first, second = edge(1, 1, 3, "runs_on", Impact.FORWARD, group=4), edge(2, 1, 3, "uses", Impact.NONE)
        third, loop = edge(3, 2, 1, "depends_on", Impact.REVERSE), edge(4, 1, 1, "uses", Impact.REVERSE)
        graph = await load(now([second, loop, third, first]))
        seen_loop = edge(4, 1, 1, "uses", Impact.FORWARD)
        both = [
            Step(node(1), seen_loop, outgoing=True), Step(node(1), seen_loop, outgoing=False),
            Step(node(2), third, outgoing=False), Step(node(3), first, outgoing=True),
            Step(node(3), second, outgoing=True),
        ]  # fmt: skip
        for direction, expected in {
            Direction.BOTH: both,
            Direction.OUT: [both[0], both[3], both[4]],
            Direction.IN: [both[1], both[2]],
            # 2 depends on 1, so 2 is impacted by 1.
            Direction.DEPENDENTS: [both[0], both[2], both[3]],
            Direction.DEPENDENCIES: [both[0]],
        }.items():
            answer = await graph.neighbours([node(1)], Walk(direction))
            assert answer == {node(1): Neighbours(tuple(expected), len(expected), truncated=False)}

    async def test_every_id_is_a_key_known_or_not(self, load: Load) -> None:
        graph = await load(links((1, 2)))
        answer = await graph.neighbours([node(2), node(99), node(1), node(2)], OUT)
        none = Neighbours((), 0, truncated=False)
        assert answer == {
            node(1): Neighbours((Step(node(2), edge(1, 1, 2), outgoing=True),), 1, truncated=False),
            node(2): none,
            node(99): none,
        }

    async def test_pages_of_steps_join_and_keep_the_whole_degree(self, load: Load) -> None:
        graph = await load(links((1, 3), (1, 2), (1, 1), (1, 2), (4, 1)))
        whole = (await graph.neighbours([node(1)], Walk(Direction.BOTH)))[node(1)]
        assert [(step.neighbour_id, step.edge.id[-1], step.outgoing) for step in whole.steps] == [
            (node(1), "3", True), (node(1), "3", False), (node(2), "2", True), (node(2), "4", True),
            (node(3), "1", True), (node(4), "5", False),
        ]  # fmt: skip
        seen: list[Step] = []
        place: StepPosition | None = None
        for page_number in range(6):
            page = (await graph.neighbours([node(1)], Walk(Direction.BOTH, fan_out=1), place))[node(1)]
            assert (page.degree, page.truncated, len(page.steps)) == (6, page_number < 5, 1)
            seen += page.steps
            place = StepPosition(seen[-1].neighbour_id, seen[-1].edge.id, seen[-1].outgoing)
        assert tuple(seen) == whole.steps
        past = (await graph.neighbours([node(1)], Walk(Direction.BOTH, fan_out=1), place))[node(1)]
        assert past == Neighbours((), 6, truncated=False)


class SubgraphLaws:
    async def test_edges_among_the_nodes_by_id(self, load: Load) -> None:
        inside = [edge(2, 1, 2), edge(3, 2, 1, "uses", Impact.NONE), edge(4, 1, 2, group=1), edge(5, 2, 2)]
        graph = await load(now([edge(1, 1, 3), edge(6, 3, 2), *reversed(inside)]))
        ids = [node(2), node(1), node(1), node(99)]
        inside[3] = edge(5, 2, 2, impact=Impact.FORWARD)
        for direction in (Direction.OUT, Direction.IN, Direction.BOTH):
            assert await graph.subgraph(ids, Walk(direction), 4) == Subgraph(tuple(inside), truncated=False)
        assert await graph.subgraph(ids, OUT, 3) == Subgraph(tuple(inside[:3]), truncated=True)
        with_impact = (inside[0], inside[2], inside[3])
        for direction in (Direction.DEPENDENTS, Direction.DEPENDENCIES):
            assert await graph.subgraph(ids, Walk(direction), 3) == Subgraph(with_impact, truncated=False)
        assert await graph.subgraph(ids, Walk(Direction.OUT, types=("uses",)), 3) == Subgraph(
            (inside[1],), truncated=False
        )
        assert await graph.subgraph(ids, Walk(Direction.OUT, types=()), 3) == Subgraph((), truncated=False)

    async def test_an_answer_holds_at_least_one_edge(self, load: Load) -> None:
        graph = await load(links((1, 2)))
        with pytest.raises(ValueError, match="0"):
            await graph.subgraph([node(1)], OUT, 0)


class DegreeLaws:
    async def test_degrees_are_exact_by_type(self, load: Load) -> None:
        graph = await load(
            now([edge(1, 1, 2, "b"), edge(2, 1, 2, "b"), edge(3, 2, 1, "a"), edge(4, 1, 1, "c", Impact.NONE)])
        )
        assert await graph.degrees([node(2), node(1), node(9), node(1)]) == {
            node(1): [TypeDegree("a", 0, 1), TypeDegree("b", 2, 0), TypeDegree("c", 1, 1)],
            node(2): [TypeDegree("a", 1, 0), TypeDegree("b", 0, 2)],
            node(9): [],
        }
