"""Loaders of classes and types by the UUID that replaces their key in audit entries and idempotent responses."""

from collections.abc import Mapping, Sequence

from datasources.aurora.configuration_items.table import fetch_classes
from datasources.aurora.relationship_types.table import fetch_types
from datasources.records.configuration_items import ConfigurationItemClassRecord
from datasources.records.relationship_types import RelationshipTypeRecord
from resolvers.loading.loader import Loader
from resolvers.taxonomy.use_cases import CLASS, TYPE, entity_id


class ConfigurationItemClassByEntityId(Loader[str, ConfigurationItemClassRecord | None]):
    """Reads the whole taxonomy, since the key cannot be derived from the UUID. Not cached."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, ConfigurationItemClassRecord | None]:
        return {entity_id(CLASS, each.key): each for each in await fetch_classes(self.context.sources.main)}

    def absent(self, key: str) -> ConfigurationItemClassRecord | None:
        return None


class RelationshipTypeByEntityId(Loader[str, RelationshipTypeRecord | None]):
    """Reads all types, since the key cannot be derived from the UUID. Not cached."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, RelationshipTypeRecord | None]:
        return {entity_id(TYPE, each.key): each for each in await fetch_types(self.context.sources.main)}

    def absent(self, key: str) -> RelationshipTypeRecord | None:
        return None
