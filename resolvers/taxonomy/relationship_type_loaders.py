"""Loaders of relationship types."""

from collections.abc import Mapping, Sequence

from datasources.aurora.relationship_types.table import fetch_types, fetch_types_by_keys
from datasources.records.relationship_types import RelationshipTypeRecord
from resolvers.loading.loader import Loader


class RelationshipTypeByKey(Loader[str, RelationshipTypeRecord | None]):
    value = RelationshipTypeRecord | None
    reads = ("relationship_types",)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, RelationshipTypeRecord | None]:
        return dict(await fetch_types_by_keys(self.context.sources.main, keys))

    def absent(self, key: str) -> RelationshipTypeRecord | None:
        return None


class RelationshipTypes(Loader[None, list[RelationshipTypeRecord]]):
    """All types, in order of key; the only loader key is None."""

    value = list[RelationshipTypeRecord]
    reads = ("relationship_types",)

    async def fetch(self, keys: Sequence[None]) -> Mapping[None, list[RelationshipTypeRecord]]:
        return {None: await fetch_types(self.context.sources.main)}

    def absent(self, key: None) -> list[RelationshipTypeRecord]:
        return []
