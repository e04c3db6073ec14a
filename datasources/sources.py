"""All sources, opened once. Nothing above asks which adapter it got."""

from dataclasses import dataclass

from datasources.aurora.database import Database
from datasources.cache.port import Cache
from datasources.graph.port import Graph
from datasources.health import Health


@dataclass(frozen=True, slots=True)
class Sources:
    """The two databases, the graph and the cache."""

    main: Database
    requirements: Database
    graph: Graph
    cache: Cache
    # Seconds a cached value lives if nothing invalidates it earlier.
    cache_seconds: float = 60.0

    def database(self, name: str) -> Database:
        """By name: main or requirements."""
        return {"main": self.main, "requirements": self.requirements}[name]

    async def health(self) -> list[Health]:
        """Each store's own word, in the order main, requirements, graph, cache."""
        return [await source.health() for source in (self.main, self.requirements, self.graph, self.cache)]

    async def close(self) -> None:
        """Close pools and sockets."""
        await self.cache.close()
        await self.main.close()
        await self.requirements.close()
