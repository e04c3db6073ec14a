"""The client of Gremlin engines: connections, signatures, retries and GraphSON, behind `TraversalClient`."""

from datasources.graph.gremlin.client.client import GremlinClient

__all__ = ["GremlinClient"]
