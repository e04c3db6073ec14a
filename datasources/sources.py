"""All sources, opened once. Nothing above asks which adapter it got."""

import asyncio
from dataclasses import dataclass, field

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.cache.off import NoCache
from datasources.cache.port import Cache
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.credentials.factory import cache_credentials, database_credentials
from datasources.graph.completeness import CompletenessMarker
from datasources.graph.port import Graph
from datasources.graph.projection import Projection
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.health import Health
from datasources.observability.heartbeats import Heartbeats


@dataclass(frozen=True, slots=True)
class Sources:
    """The two databases, the graph and the cache."""

    main: Database
    requirements: Database
    graph: Graph
    cache: Cache
    # The graph's copy of the relationships; None where the tables themselves are walked.
    projection: Projection | None = None
    # Seconds a cached value lives if nothing invalidates it earlier.
    cache_seconds: float = 60.0
    # Whether that copy is still there; None as above.
    completeness_marker: CompletenessMarker | None = None
    # Of the loops that work on them in this process.
    heartbeats: Heartbeats = field(default_factory=Heartbeats)

    def database(self, name: str) -> Database:
        """By name: main or requirements."""
        return {"main": self.main, "requirements": self.requirements}[name]

    async def health(self) -> list[Health]:
        """Each store's own word, in the order main, requirements, graph, cache."""
        # At once, so that a silent store uses up nobody else's time.
        asked = (source.health() for source in (self.main, self.requirements, self.graph, self.cache))
        return list(await asyncio.gather(*asked))

    async def close(self) -> None:
        """Close pools and sockets."""
        await self.cache.close()
        await self.graph.close()
        await self.main.close()
        await self.requirements.close()


def open_sources(
    main: PostgresSettings, requirements: PostgresSettings, cache: CacheSettings, graph: GraphSettings
) -> Sources:
    """The sources that the settings ask for. Nothing is connected yet: a lost store must not stop the others."""
    database = open_database("main", main)
    walks, projection, marks = _graph(graph, database)
    return Sources(
        main=database,
        requirements=open_database("requirements", requirements),
        graph=walks,
        cache=_cache(cache, database),
        projection=projection,
        cache_seconds=cache.ttl,
        completeness_marker=marks,
    )


def open_database(name: str, settings: PostgresSettings) -> Database:
    """One database behind its pool. Nothing is connected yet."""
    return Database(
        name,
        settings.url,
        pool_max=settings.pool_max,
        connect_timeout=settings.connect_timeout,
        pool_timeout=settings.pool_timeout,
        statement_timeout=settings.statement_timeout,
        prepare=settings.prepare,
        credentials=database_credentials(name, settings),
    )


def _graph(settings: GraphSettings, main: Database) -> tuple[Graph, Projection | None, CompletenessMarker | None]:
    if settings.url is None:
        return RecursiveGraph(main), None, None
    # The client of the graph costs a cold start some 100 ms, so only who uses it pays.
    from datasources.graph.gremlin.factory import open_gremlin

    return open_gremlin(settings, main)


def _cache(settings: CacheSettings, main: Database) -> Cache:
    if settings.url is None:
        return NoCache()
    # Importing the client costs 131 ms of a cold start, so only who uses it pays.
    from datasources.cache.redis.adapter import RedisCache

    return RedisCache(
        settings.url,
        write_log=PostgresWriteLog(main),
        ca_file=settings.ca_file,
        timeout=settings.timeout,
        lease=settings.lease,
        breaker_after=settings.breaker_after,
        breaker_pause=settings.breaker_pause,
        credentials=cache_credentials(settings),
    )
