"""The graph port over Gremlin: a few traversals for each method, in the fastest measured form that Neptune allows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P, T

from datasources.config import ReachStrategy
from datasources.errors import SourceTimeout
from datasources.graph.gremlin import model, paths, reach, rows
from datasources.graph.gremlin.edges import filter_valid
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
    """Walks the graph in a Gremlin store. A walk at a past time sees the edge versions that were projected.

    Each method counts as one walk of the request, regardless of the number of traversals. A call with no ids returns
    immediately and costs nothing.
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
        by_starts = {front.starts: front for front in fronts if front.starts}
        if by_starts:
            _charge_traversal()
        if len(by_starts) == 1 and self._hops is ReachStrategy.TRAVERSAL:
            await reach.expand_in_one_traversal(self.client, walk, *by_starts.values())
        elif by_starts:
            # Hops of several walks share traversals, and load the nodes that they have in common once.
            await reach.expand_by_hops(self.client, walk, list(by_starts.values()))
        return [by_starts.get(front.starts, front).to_reach(walk) for front in fronts]

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
        edges = filter_valid(edges, walk.as_of)
        if walk.direction in (Direction.DEPENDENTS, Direction.DEPENDENCIES):
            edges = edges.has(model.IMPACT, P.within(*_WITH_IMPACT))
        among = edges.where(__.in_v().where(P.within("given")))
        edge_rows = await self.client.submit(
            rows.project_edges(among.order().by(model.KEY).limit(most + 1)), "subgraph"
        )
        return Subgraph(tuple(map(rows.edge_of, edge_rows[:most])), len(edge_rows) > most)

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        if not ids:
            return {}
        _charge_traversal()
        leaving, entering = (filter_valid(edges, as_of).group_count().by(T.label) for edges in (__.out_e(), __.in_e()))
        degree_rows = await submit_in_batches(
            self.client,
            list(dict.fromkeys(ids)),
            "degrees",
            lambda part: g.V(*part).project("n", "o", "i").by(T.id).by(leaving).by(entering),
        )
        answer: dict[str, list[TypeDegree]] = {id: [] for id in ids}
        for row in degree_rows:
            counts = [{model.type_of(label): count for label, count in row[side].items()} for side in ("o", "i")]
            answer[row["n"]] = [
                TypeDegree(type, counts[0].get(type, 0), counts[1].get(type, 0))
                for type in sorted(counts[0].keys() | counts[1].keys())
            ]
        return answer

    async def health(self) -> Health:
        """Run one round trip to the engine; an unreachable engine is reported, not raised."""
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
