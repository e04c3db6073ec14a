"""Settings made whole: whatever store they leave open is embedded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from datasources.config import CacheSettings, GraphEngine, PostgresSettings
from datasources.embedded.jars import ProgressCallback, ignore_progress
from datasources.embedded.stores import EmbeddedStores, StoreSelection, StoreUrls
from settings import Settings


def embedded_stores(settings: Settings, on_progress: ProgressCallback = ignore_progress) -> EmbeddedStores:
    """The stores that these settings leave open, in their state folder. Starts nothing. `tell` hears of a download."""
    wanted = StoreSelection(
        main=settings.main is None,
        requirements=settings.requirements is None,
        cache=settings.cache is None,
        graph=settings.graph.engine if settings.graph.url is None else GraphEngine.SQL,
        own_graph=settings.graph.url is not None,
    )
    return EmbeddedStores(settings.server.state, wanted, settings.jars, on_progress)


def with_embedded_urls(settings: Settings, urls: StoreUrls) -> Settings:
    """The settings with the embedded stores' URLs where they had none."""
    return replace(
        settings,
        main=settings.main or (PostgresSettings(urls.main) if urls.main else None),
        requirements=settings.requirements or (PostgresSettings(urls.requirements) if urls.requirements else None),
        cache=settings.cache or (CacheSettings(urls.cache) if urls.cache else None),
        graph=replace(settings.graph, url=urls.graph, reader_url=urls.graph_reader) if urls.graph else settings.graph,
    )


@contextmanager
def use_stores(settings: Settings, *, graph: bool = False) -> Iterator[Settings]:
    """Settings whose stores answer: those of a running `stackflow serve`, or embedded ones for the body only.

    A graph is started only if asked for: it begins empty and is gone after the body, so that few have a use for it.
    Without one, walks are recursive SQL.
    """
    stores = embedded_stores(settings)
    if not graph and stores.find_running() is None:
        stores = embedded_stores(replace(settings, graph=replace(settings.graph, engine=GraphEngine.SQL)))
    with stores.join_or_start() as urls:
        yield with_embedded_urls(settings, urls)


def databases(settings: Settings) -> dict[str, PostgresSettings]:
    """The databases to migrate, by name. Only of filled settings: none is missing there."""
    found = {"main": settings.main, "requirements": settings.requirements}
    return {name: postgres for name, postgres in found.items() if postgres is not None}
