"""The graph port over Gremlin: each verb few traversals, legal on Neptune, in the fastest shapes that were measured."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P, T

from datasources.config import ReachStrategy
from datasources.errors import SourceTimeout
from datasources.graph.gremlin import edges as arms
from datasources.graph.gremlin import model, paths, reach, rows
from datasources.graph.gremlin.neighbours import neighbours, submit_in_batches
from datasources.graph.gremlin.source import g
from datasources.graph.gremlin.submitting import TraversalClient
from datasources.graph.path_builder import build_paths
from datasources.graph.port import (
    Direction,
    Impact,
    Neighbours,
    Paths,
    Position,
    Reach,
    StepPosition,
    Subgraph,
    TypeDegree,
    Walk,
)
from datasources.health import Health
from datasources.request import current_request

_WITH_IMPACT = (Impact.FORWARD.value, Impact.REVERSE.value)


class GremlinGraph:
    """Walks what the store holds. A walk at a time sees the versions that were projected.

    Each verb counts as one walk of the call, however many traversals it takes. An answer without ids to ask for
    costs nothing.
    """

    def __init__(self, client: TraversalClient, hops: ReachStrategy = ReachStrategy.TRAVERSAL) -> None:
        self.client = client
        self._hops = hops

    async def neighbours(
        self, ids: Sequence[str], walk: Walk, after: StepPosition | None = None
    ) -> Mapping[str, Neighbours]:
        if not ids:
            return {}
        _charge_traversal()
        return await neighbours(self.client, list(dict.fromkeys(ids)), walk, after)

    async def reach(
        self, starts: Sequence[frozenset[str]], walk: Walk, after: Position | None = None
    ) -> Sequence[Reach]:
        fronts = [reach.Frontier(ids, after or reach.START_POSITION) for ids in starts]
        asked = {front.starts: front for front in fronts if front.starts}
        if asked:
            _charge_traversal()
        if len(asked) == 1 and self._hops is ReachStrategy.TRAVERSAL:
            await reach.expand_in_one_traversal(self.client, walk, *asked.values())
        elif asked:
            # The hops of many walks share their traversals, and the nodes that they have in common.
            await reach.expand_by_hops(self.client, walk, list(asked.values()))
        return [asked.get(front.starts, front).to_reach(walk) for front in fronts]

    async def paths(self, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
        _check_limit(most)
        if from_id == to_id:
            return build_paths(from_id, to_id, {}, most, capped=False)
        _charge_traversal()
        return await paths.shortest_paths(self.client, from_id, to_id, walk, most)

    async def subgraph(self, ids: Sequence[str], walk: Walk, most: int) -> Subgraph:
        _check_limit(most)
        if not ids:
            return Subgraph((), truncated=False)
        _charge_traversal()
        if walk.types == ():
            return Subgraph((), truncated=False)
        edges = g.V(*dict.fromkeys(ids)).aggregate("given").out_e(*map(model.label_of, walk.types or ()))
        edges = arms.filter_valid(edges, walk.as_of)
        if walk.direction in (Direction.DEPENDENTS, Direction.DEPENDENCIES):
            edges = edges.has(model.IMPACT, P.within(*_WITH_IMPACT))
        among = edges.where(__.in_v().where(P.within("given")))
        found = await self.client.submit(rows.project_edges(among.order().by(model.KEY).limit(most + 1)), "subgraph")
        return Subgraph(tuple(map(rows.edge_of, found[:most])), len(found) > most)

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        if not ids:
            return {}
        _charge_traversal()
        both = (arms.filter_valid(edges, as_of).group_count().by(T.label) for edges in (__.out_e(), __.in_e()))
        leaving, entering = both
        found = await submit_in_batches(
            self.client,
            list(dict.fromkeys(ids)),
            "degrees",
            lambda part: g.V(*part).project("n", "o", "i").by(T.id).by(leaving).by(entering),
        )
        answer: dict[str, list[TypeDegree]] = {id: [] for id in ids}
        for row in found:
            counts = [{model.type_of(label): count for label, count in row[side].items()} for side in ("o", "i")]
            answer[row["n"]] = [
                TypeDegree(type, counts[0].get(type, 0), counts[1].get(type, 0))
                for type in sorted(counts[0].keys() | counts[1].keys())
            ]
        return answer

    async def health(self) -> Health:
        """One round trip to the engine; never raises for an unreachable one."""
        return await self.client.health()

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()


def _check_limit(most: int) -> None:
    if most < 1:
        raise ValueError(f"most must be at least 1, not {most}")


def _charge_traversal() -> None:
    call = current_request()
    if call.remaining() == 0:
        raise SourceTimeout("graph", "no time left for the graph")
    call.usage.graph += 1
