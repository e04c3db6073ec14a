"""Compare the graph with the tables by bucket: digests first, entries only where they differ; repair differences."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from datasources.aurora.outbox import graph_buckets, outbox
from datasources.aurora.outbox.graph_buckets import BucketComparison
from datasources.aurora.tables.invalidation import TRAVERSAL_TABLES
from datasources.graph.projection import Changes, EdgeVersion, NodeChange, Projection
from datasources.graph.recursive.source import BucketDigest, RelationalSource
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.projection.buckets import Digest, bucket_of, digest_of
from resolvers.projection.edges import EdgeComparison
from resolvers.projection.nodes import remove_nodes
from resolvers.projection.pages import MAX_CONCURRENT_PAGES, PAGE_SIZE, process_in_order
from resolvers.projection.reports import Difference

# Each round reads the ids of all nodes of the graph once, so a comparison of all 256 buckets does so four times.
BUCKETS_PER_ROUND = 64
# With more pending rows in the outbox, no buckets are compared: most differences would only be late.
MAX_PENDING_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ComparisonRound:
    """Counts of one round: compared buckets, buckets that differ, real differences in them (not only late ones), and
    those that remain after the repair."""

    buckets: int = 0
    differing: int = 0
    found: int = 0
    left: int = 0


class BucketComparer:
    """Compares the buckets that are due; each is compared once every `seconds`, by any of several processes.

    A difference counts if two consecutive readings show it and the outbox has no pending row about it: then the graph
    received the change, but its contents are wrong. Such differences are repaired and read again.
    """

    def __init__(self, sources: Sources, seconds: float, at_once: int = BUCKETS_PER_ROUND) -> None:
        self._sources = sources
        self._seconds = seconds
        self._at_once = at_once

    async def run_round(self) -> ComparisonRound:
        """Compare at most `at_once` due buckets. Does nothing without a graph, or while it is far behind.

        Errors are those of the database and the graph; the claimed buckets are due again after the same time.
        """
        projection, main = self._sources.projection, self._sources.main
        with use_request(RequestContext()):
            if projection is None or (await outbox.fetch_state(main)).pending > MAX_PENDING_ROWS:
                return ComparisonRound()
            buckets = await graph_buckets.claim_due(main, self._seconds, self._at_once)
            if not buckets:
                return ComparisonRound()
            look = _BucketComparison(RelationalSource(main), projection, self._sources, buckets)
            return await look.run()

    async def run_until_done(self) -> ComparisonRound:
        """Run rounds until no bucket is due; return their sums. Errors as for `run_round`."""
        sums = ComparisonRound()
        while (done := await self.run_round()).buckets:
            sums = ComparisonRound(
                sums.buckets + done.buckets,
                sums.differing + done.differing,
                sums.found + done.found,
                sums.left + done.left,
            )
        return sums


class _BucketComparison:
    def __init__(
        self, truth: RelationalSource, projection: Projection, sources: Sources, buckets: Sequence[int]
    ) -> None:
        self._truth = truth
        self._projection = projection
        self._sources = sources
        self._buckets = buckets
        self._comparison = EdgeComparison(truth, projection)

    async def run(self) -> ComparisonRound:
        tables = {each.bucket: each for each in await self._truth.digests(self._buckets)}
        graph_nodes = await self._fetch_graph_nodes()
        graph = await self._digests(graph_nodes)
        differing = [bucket for bucket in self._buckets if str(graph[bucket]) != digest_of(tables[bucket])]
        repaired, left = 0, dict.fromkeys(self._buckets, 0)
        if differing:
            repaired, left_now = await self._repair(differing)
            left |= left_now
        await graph_buckets.store_comparisons(
            self._sources.main,
            [_to_record(tables[bucket], str(graph[bucket]), left[bucket]) for bucket in self._buckets],
        )
        return ComparisonRound(len(self._buckets), len(differing), repaired, sum(left.values()))

    async def _fetch_graph_nodes(self) -> dict[int, list[str]]:
        wanted, nodes = set(self._buckets), defaultdict[int, list[str]](list)
        async for page in self._projection.nodes():
            for id in page:
                if (bucket := bucket_of(id)) in wanted:
                    nodes[bucket].append(id)
        return nodes

    async def _digests(self, nodes: Mapping[int, Sequence[str]]) -> dict[int, Digest]:
        digests = {bucket: Digest() for bucket in self._buckets}
        for bucket, ids in nodes.items():
            digests[bucket].add_nodes(ids)

        async def pages() -> AsyncIterator[list[str]]:
            every = [id for ids in nodes.values() for id in ids]
            for begin in range(0, len(every), PAGE_SIZE):
                yield every[begin : begin + PAGE_SIZE]

        def add(_: object, leaving: Mapping[str, Sequence[EdgeVersion]]) -> None:
            for id, versions in leaving.items():
                digests[bucket_of(id)].add_edges(versions)

        await process_in_order(pages(), self._projection.outgoing_edges, add, MAX_CONCURRENT_PAGES)
        return digests

    async def _repair(self, buckets: Sequence[int]) -> tuple[int, dict[int, int]]:
        """Return the number of differences and the numbers of remaining ones by bucket.

        Edges are repaired before extra nodes are removed, since an engine removes a node with its edges.
        """
        missing, extra = await self._nodes(buckets)
        if missing:
            await self._projection.apply(Changes(nodes=tuple(NodeChange(id) for id in missing)))
        count = len(missing) + len(extra)
        left: dict[int, int] = defaultdict(int)
        ids = [*extra, *await self._truth.nodes_in_buckets(buckets)]
        for begin in range(0, len(ids), PAGE_SIZE):
            true = await self._edges(ids[begin : begin + PAGE_SIZE])
            count += len(true)
            if true:
                result = await self._comparison.repair(sorted({difference.node for difference in true}))
                for difference in result.left:
                    left[bucket_of(difference.node)] += 1
        if extra:
            await remove_nodes(self._truth, self._projection, extra)
        if count:
            # Cached walks of the state before the repair.
            await self._sources.cache.invalidate(TRAVERSAL_TABLES)
        return count, left

    async def _nodes(self, buckets: Sequence[int]) -> tuple[list[str], list[str]]:
        """Return the ids of missing nodes and of extra nodes in the graph, sorted."""
        true = set(await self._truth.nodes_in_buckets(buckets))
        held = {id for ids in (await self._fetch_graph_nodes()).values() for id in ids if bucket_of(id) in buckets}
        missing, extra = true - held, held - true
        if not missing and not extra:
            return [], []
        late = await graph_buckets.fetch_pending_entity_ids(self._sources.main)
        again = {id for ids in (await self._fetch_graph_nodes()).values() for id in ids}
        missing, extra = missing - again - late, (extra & again) - late
        known = await self._truth.existing_nodes(sorted(missing | extra))
        return sorted(missing & known), sorted(extra - known)

    async def _edges(self, ids: Sequence[str]) -> list[Difference]:
        """Return the differences at these nodes that are not only late."""
        differences = (await self._comparison.compare(ids)).differences
        if not differences:
            return []
        late = await graph_buckets.fetch_pending_entity_ids(self._sources.main)
        again = set((await self._comparison.compare(sorted({each.node for each in differences}))).differences)
        return [each for each in differences if each in again and not _ids(each) & late]


def _ids(difference: Difference) -> set[str]:
    return {version.edge.id for version in (difference.true, difference.held) if version is not None}


def _to_record(tables: BucketDigest, graph: str, left: int) -> BucketComparison:
    return BucketComparison(
        bucket=tables.bucket, nodes=tables.nodes, edges=tables.edges, tables=digest_of(tables), graph=graph,
        divergent=left,
    )  # fmt: skip
