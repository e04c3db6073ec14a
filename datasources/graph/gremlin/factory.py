"""Creates the federation's graph on a Gremlin store from the settings."""

from functools import partial

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.bookkeeping import is_projected
from datasources.config import GraphSettings
from datasources.graph.completeness import CompletenessMarker
from datasources.graph.federated import FederatedGraph
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.completeness import GremlinCompletenessMarker
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Graph
from datasources.graph.projection import Projection
from datasources.graph.recursive.adapter import RecursiveGraph


def open_gremlin(settings: GraphSettings, main: Database) -> tuple[Graph, Projection, CompletenessMarker]:
    """Return the graph, its projection and its completeness marker, which share one client, with the main database as
    fallback. Opens no connection."""
    client = GremlinClient(settings)
    graph = FederatedGraph(
        GremlinGraph(client, settings.hops),
        RecursiveGraph(main),
        fallback=settings.fallback,
        is_lost=lambda: client.is_lost,
        probe=client.probe,
        has_projected=partial(is_projected, main),
    )
    return graph, GremlinProjection(client, edge_ids=settings.edge_ids), GremlinCompletenessMarker(client)
