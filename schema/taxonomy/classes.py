"""Classes of configuration items, which form a tree."""

import strawberry

from datasources.records.configuration_items import ConfigurationItemClassRecord
from resolvers.configuration_items.loaders import (
    ConfigurationItemClassByKey,
    ConfigurationItemClassesByParent,
    ConfigurationItemsByClass,
)
from schema.declarations.connections import connection
from schema.declarations.fields import attribute, link
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
    LazyConfigurationItemConnection,
)

READ_PERMISSION = "configuration-items:read"


@strawberry.type(description="A class in the taxonomy of configuration items.")
class ConfigurationItemClass:
    record = ConfigurationItemClassRecord

    key: str = attribute("Its key, for example `database`.")
    name: str = attribute("Its name.")
    description: str = attribute("What belongs to it; can be empty.")
    parent: "ConfigurationItemClass | None" = link(
        ConfigurationItemClassByKey,
        "The parent class; null for a root.",
        key="parent_key",
        needs=READ_PERMISSION,
    )
    children: list["ConfigurationItemClass"] | None = link(
        ConfigurationItemClassesByParent,
        "The classes directly below it, by key.",
        key="key",
        needs=READ_PERMISSION,
        size=10,
    )
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByClass,
        "The configuration items of the class and of all its subclasses, by name.",
        key="key",
        pages=CONFIGURATION_ITEM_PAGES,
    )
