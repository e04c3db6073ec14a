"""The client of Gremlin engines: sockets, signatures, retries and GraphSON, behind `Submitting`."""

from datasources.graph.gremlin.client.client import GremlinClient

__all__ = ["GremlinClient"]
