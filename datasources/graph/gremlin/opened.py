"""The federation's graph on a Gremlin store, as the settings ask for it."""

from datasources.graph.federated import FederatedGraph
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Graph
from datasources.graph.projection import Projection
from datasources.options import GraphSettings


def open_gremlin(settings: GraphSettings, tables: Graph) -> tuple[Graph, Projection]:
    """The graph and its projection, over one client. Nothing is connected yet."""
    client = GremlinClient(settings)
    graph = FederatedGraph(
        GremlinGraph(client, settings.hops),
        tables,
        fallback=settings.fallback,
        lost=lambda: client.lost,
        probe=client.probe,
    )
    return graph, GremlinProjection(client, edge_ids=settings.edge_ids)
