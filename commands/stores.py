"""Complete settings: stores without a URL are embedded stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from datasources.config import CacheSettings, GraphEngine, PostgresSettings, RequirementsSettings
from datasources.embedded.jars import ProgressCallback, ignore_progress
from datasources.embedded.stores import EmbeddedStores, StoreSelection, StoreUrls
from settings import Settings


def embedded_stores(settings: Settings, on_progress: ProgressCallback = ignore_progress) -> EmbeddedStores:
    """Return the embedded stores for these settings, not started. `on_progress` is called during a download."""
    selection = StoreSelection(
        main=settings.main is None,
        requirements=settings.requirements is None,
        cache=settings.cache is None,
        graph=settings.graph.engine if settings.graph.url is None else GraphEngine.SQL,
        own_graph=settings.graph.url is not None,
    )
    return EmbeddedStores(settings.server.state, selection, settings.jars, on_progress)


def with_embedded_urls(settings: Settings, urls: StoreUrls) -> Settings:
    """Return the settings, with URLs of embedded stores for stores without a URL."""
    return replace(
        settings,
        main=settings.main or (PostgresSettings(urls.main) if urls.main else None),
        requirements=settings.requirements or (RequirementsSettings(urls.requirements) if urls.requirements else None),
        cache=settings.cache or (CacheSettings(urls.cache) if urls.cache else None),
        graph=replace(settings.graph, url=urls.graph, reader_url=urls.graph_reader) if urls.graph else settings.graph,
    )


@contextmanager
def use_stores(settings: Settings, *, graph: bool = False) -> Iterator[Settings]:
    """Yield settings of running stores: those of a running `stackflow serve`, or embedded stores for the body only.

    A graph engine is started only if `graph` is true, because it is empty and ends with the body. Without one, walks
    use recursive SQL.
    """
    stores = embedded_stores(settings)
    if not graph and stores.find_running() is None:
        stores = embedded_stores(replace(settings, graph=replace(settings.graph, engine=GraphEngine.SQL)))
    with stores.join_or_start() as urls:
        yield with_embedded_urls(settings, urls)


def databases(settings: Settings) -> dict[str, PostgresSettings]:
    """Return the databases to migrate, by name. For complete settings, in which none is missing."""
    postgres_settings = {"main": settings.main, "requirements": settings.requirements}
    return {name: postgres for name, postgres in postgres_settings.items() if postgres is not None}
