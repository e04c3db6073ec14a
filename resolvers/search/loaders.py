"""Loaders of search hits, one for each database. Not cached: texts rarely repeat, and any write can change hits."""

import asyncio
from collections.abc import Mapping, Sequence

from datasources.aurora.search.search import search_main, search_requirements
from datasources.records.search import SearchHit, SearchQuery
from resolvers.loading.loader import Loader


class HitsBySearch(Loader[SearchQuery, list[SearchHit]]):
    """Hits in the main database; one statement for each search."""

    async def fetch(self, keys: Sequence[SearchQuery]) -> Mapping[SearchQuery, list[SearchHit]]:
        context = self.context
        hits = await asyncio.gather(*(search_main(context.sources.main, key, context.scope) for key in keys))
        return dict(zip(keys, hits, strict=True))

    def absent(self, key: SearchQuery) -> list[SearchHit]:
        return []


class RequirementHitsBySearch(Loader[SearchQuery, list[SearchHit]]):
    """Hits in the requirements database; one statement for each search."""

    async def fetch(self, keys: Sequence[SearchQuery]) -> Mapping[SearchQuery, list[SearchHit]]:
        database = self.context.sources.requirements
        hits = await asyncio.gather(*(search_requirements(database, key) for key in keys))
        return dict(zip(keys, hits, strict=True))

    def absent(self, key: SearchQuery) -> list[SearchHit]:
        return []
