"""All sources, opened once. Callers do not depend on the choice of adapters."""

import asyncio
from dataclasses import dataclass, field

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.cache.off import NoCache
from datasources.cache.port import Cache
from datasources.config import CacheSettings, GraphSettings, LanguageSettings, PostgresSettings
from datasources.credentials.factory import cache_credentials, database_credentials
from datasources.graph.completeness import CompletenessMarker
from datasources.graph.port import Graph
from datasources.graph.projection import Projection
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.health import Health
from datasources.language.factory import open_knowledge_base, open_knowledge_data_source, open_language
from datasources.language.port import KnowledgeBase, KnowledgeDataSource, Language
from datasources.observability.heartbeats import Heartbeats


@dataclass(frozen=True, slots=True)
class Sources:
    """The two databases, the graph, the cache, and what answers questions on AWS."""

    main: Database
    requirements: Database
    graph: Graph
    cache: Cache
    # The copy of the relationships in the graph; None if walks read the tables.
    projection: Projection | None = None
    # Seconds for which a cached value is valid unless it is invalidated earlier.
    cache_seconds: float = CacheSettings(url=None).ttl
    # Whether that copy is complete; None if walks read the tables.
    completeness_marker: CompletenessMarker | None = None
    # Heartbeats of the background loops of this process.
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    # None if answers copy sentences of documents, and if passages come from the main database.
    language: Language | None = None
    knowledge_base: KnowledgeBase | None = None
    # None if chunks of documents are not published.
    knowledge_data_source: KnowledgeDataSource | None = None
    # Budgets and models of the calls of language models.
    language_settings: LanguageSettings = field(default_factory=LanguageSettings)

    def database(self, name: str) -> Database:
        """Return a database by its name: main or requirements."""
        return {"main": self.main, "requirements": self.requirements}[name]

    async def health(self) -> list[Health]:
        """Return the health of each store, in the order main, requirements, graph, cache."""
        # Concurrently, so that a store that does not answer does not delay the others.
        checks = (source.health() for source in (self.main, self.requirements, self.graph, self.cache))
        return list(await asyncio.gather(*checks))

    async def close(self) -> None:
        """Close all pools and sockets."""
        for source in (self.language, self.knowledge_base, self.knowledge_data_source):
            if source is not None:
                await source.close()
        await self.cache.close()
        await self.graph.close()
        await self.main.close()
        await self.requirements.close()


def open_sources(
    main: PostgresSettings,
    requirements: PostgresSettings,
    cache: CacheSettings,
    graph: GraphSettings,
    language: LanguageSettings | None = None,
) -> Sources:
    """Create the sources from the settings, without connecting: an unavailable store must not stop the others."""
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
        language=open_language(language),
        knowledge_base=open_knowledge_base(language),
        knowledge_data_source=open_knowledge_data_source(language),
        language_settings=language or LanguageSettings(),
    )


def open_database(name: str, settings: PostgresSettings) -> Database:
    """Create a database with its pool, without connecting."""
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
    # Importing the graph client adds about 100 ms to a cold start, so it is imported only if it is used.
    from datasources.graph.gremlin.factory import open_gremlin

    return open_gremlin(settings, main)


def _cache(settings: CacheSettings, main: Database) -> Cache:
    if settings.url is None:
        return NoCache()
    # Importing the cache client adds 131 ms to a cold start, so it is imported only if it is used.
    from datasources.cache.redis.adapter import RedisCache

    return RedisCache(
        settings.url,
        write_log=PostgresWriteLog(main),
        ca_file=settings.ca_file,
        timeout=settings.timeout,
        lease=settings.lease,
        credentials=cache_credentials(settings),
    )
