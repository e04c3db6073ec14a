"""Loaders of search hits, one for each database. Not cached: texts rarely repeat, and every write could matter."""

import asyncio
from collections.abc import Mapping, Sequence

from datasources.aurora.search.search import search_main, search_requirements
from datasources.records.search import SearchHit, SearchQuery
from resolvers.loading.loader import Loader


class HitsBySearch(Loader[SearchQuery, list[SearchHit]]):
    """Hits in the main database; one statement for each search."""

    async def fetch(self, keys: Sequence[SearchQuery]) -> Mapping[SearchQuery, list[SearchHit]]:
        context = self.context
        found = await asyncio.gather(*(search_main(context.sources.main, key, context.scope) for key in keys))
        return dict(zip(keys, found, strict=True))

    def absent(self, key: SearchQuery) -> list[SearchHit]:
        return []


class RequirementHitsBySearch(Loader[SearchQuery, list[SearchHit]]):
    """Hits in the requirements database; one statement for each search."""

    async def fetch(self, keys: Sequence[SearchQuery]) -> Mapping[SearchQuery, list[SearchHit]]:
        database = self.context.sources.requirements
        found = await asyncio.gather(*(search_requirements(database, key) for key in keys))
        return dict(zip(keys, found, strict=True))

    def absent(self, key: SearchQuery) -> list[SearchHit]:
        return []
