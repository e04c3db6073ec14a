"""Loaders of configuration items, their classes and their keys."""

from collections.abc import Mapping, Sequence

from datasources.aurora.configuration_items.table import (
    CONFIGURATION_ITEMS,
    fetch_by_identification_keys,
    fetch_classes,
    fetch_classes_by_keys,
)
from datasources.records.configuration_items import (
    ConfigurationItemClassRecord,
    ConfigurationItemRecord,
    IdentificationKeyRecord,
)
from resolvers.loading.loader import Loader
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy
from resolvers.requirements.loaders import ConfigurationItemIdsByRequirement


class ConfigurationItemById(RowBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS


class ConfigurationItemByIdentificationKey(Loader[tuple[str, str], ConfigurationItemRecord | None]):
    """Keys are (source, key)."""

    value = ConfigurationItemRecord | None
    reads = ("configuration_items", "configuration_item_keys")

    async def fetch(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], ConfigurationItemRecord | None]:
        return dict(await fetch_by_identification_keys(self.context.sources.main, keys))

    def absent(self, key: tuple[str, str]) -> ConfigurationItemRecord | None:
        return None


class ConfigurationItems(PagesBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS


class ConfigurationItemsByTeam(PagesBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS
    link = "team"


class ConfigurationItemsByIncident(PagesBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS
    link = "incident"


class ConfigurationItemsByClass(PagesBy[ConfigurationItemRecord]):
    """Keys are keys of classes; items of subclasses are included."""

    table = CONFIGURATION_ITEMS
    link = "class"


class ConfigurationItemsByWorkflow(PagesBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS
    link = "workflow"


class ConfigurationItemsByChange(PagesBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS
    link = "change"


class ConfigurationItemsByDocument(PagesBy[ConfigurationItemRecord]):
    table = CONFIGURATION_ITEMS
    link = "document"


class ConfigurationItemsByRequirement(PagesBy[ConfigurationItemRecord]):
    """Ids come from the requirements database, rows from the main one; ids that it does not contain are omitted."""

    table = CONFIGURATION_ITEMS
    link = "requirement"
    through = ConfigurationItemIdsByRequirement


class IdentificationKeysByConfigurationItem(RelatedBy[IdentificationKeyRecord]):
    domain = "configuration_items"
    statement = "identification_keys_by_configuration_items"
    record = IdentificationKeyRecord
    tables = ("configuration_item_keys",)


class ConfigurationItemClassByKey(Loader[str, ConfigurationItemClassRecord | None]):
    value = ConfigurationItemClassRecord | None
    reads = ("configuration_item_classes",)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, ConfigurationItemClassRecord | None]:
        return dict(await fetch_classes_by_keys(self.context.sources.main, keys))

    def absent(self, key: str) -> ConfigurationItemClassRecord | None:
        return None


class ConfigurationItemClassesByParent(RelatedBy[ConfigurationItemClassRecord]):
    domain = "configuration_items"
    statement = "configuration_item_classes_by_parents"
    record = ConfigurationItemClassRecord
    tables = ("configuration_item_classes",)


class ConfigurationItemClasses(Loader[None, list[ConfigurationItemClassRecord]]):
    """The whole taxonomy, in order of key; the only loader key is None."""

    value = list[ConfigurationItemClassRecord]
    reads = ("configuration_item_classes",)

    async def fetch(self, keys: Sequence[None]) -> Mapping[None, list[ConfigurationItemClassRecord]]:
        return {None: await fetch_classes(self.context.sources.main)}

    def absent(self, key: None) -> list[ConfigurationItemClassRecord]:
        return []
