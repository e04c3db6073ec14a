"""The federation's graph on a Gremlin store, as the settings ask for it."""

from functools import partial

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.bookkeeping import is_projected
from datasources.config import GraphSettings
from datasources.graph.completeness import Marks
from datasources.graph.federated import FederatedGraph
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.completeness import GremlinMarks
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Graph
from datasources.graph.projection import Projection
from datasources.graph.recursive.adapter import RecursiveGraph


def open_gremlin(settings: GraphSettings, main: Database) -> tuple[Graph, Projection, Marks]:
    """The graph, its projection and its marks, over one client, with the main database behind. Nothing is connected."""
    client = GremlinClient(settings)
    graph = FederatedGraph(
        GremlinGraph(client, settings.hops),
        RecursiveGraph(main),
        fallback=settings.fallback,
        lost=lambda: client.lost,
        probe=client.probe,
        holds=partial(is_projected, main),
    )
    return graph, GremlinProjection(client, edge_ids=settings.edge_ids), GremlinMarks(client)
