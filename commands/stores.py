"""Settings made whole: whatever store they leave open is embedded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from datasources.embedded.stores import EmbeddedStores, StoreUrls, Wanted
from datasources.options import CacheSettings, PostgresSettings
from settings import Settings


def embedded(settings: Settings) -> EmbeddedStores:
    """The stores that these settings leave open, in their state folder. Starts nothing."""
    wanted = Wanted(
        main=settings.main is None, requirements=settings.requirements is None, cache=settings.cache is None
    )
    return EmbeddedStores(settings.server.state, wanted)


def filled(settings: Settings, urls: StoreUrls) -> Settings:
    """The settings with the embedded stores' URLs where they had none."""
    return replace(
        settings,
        main=settings.main or (PostgresSettings(urls.main) if urls.main else None),
        requirements=settings.requirements or (PostgresSettings(urls.requirements) if urls.requirements else None),
        cache=settings.cache or (CacheSettings(urls.cache) if urls.cache else None),
    )


@contextmanager
def opened(settings: Settings) -> Iterator[Settings]:
    """Settings whose stores answer: those of a running `stackflow serve`, or embedded ones for the body only."""
    with embedded(settings).joined() as urls:
        yield filled(settings, urls)


def databases(settings: Settings) -> dict[str, PostgresSettings]:
    """The databases to migrate, by name. Only of filled settings: none is missing there."""
    found = {"main": settings.main, "requirements": settings.requirements}
    return {name: postgres for name, postgres in found.items() if postgres is not None}
