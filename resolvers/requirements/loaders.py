"""Loaders of requirements."""

from datasources.aurora.requirements.table import REQUIREMENTS
from datasources.records.requirements import RequirementRecord
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy


class RequirementById(RowBy[RequirementRecord]):
    table = REQUIREMENTS


class RequirementByKey(RowBy[RequirementRecord]):
    table = REQUIREMENTS
    by = "keys"


class Requirements(PagesBy[RequirementRecord]):
    table = REQUIREMENTS


class RequirementsByConfigurationItem(PagesBy[RequirementRecord]):
    table = REQUIREMENTS
    link = "configuration_item"


class ConfigurationItemIdsByRequirement(RelatedBy[str]):
    """Ids as stored in the requirements database; some may no longer exist in the main one."""

    domain = "requirements"
    statement = "configuration_item_ids_by_requirements"
    record = str
    tables = ("requirement_configuration_items",)
    database = "requirements"
