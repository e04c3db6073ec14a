"""Loaders of changes."""

from datasources.aurora.changes.table import CHANGES
from datasources.records.changes import ChangeRecord
from resolvers.loading.tables import PagesBy, RowBy


class ChangeById(RowBy[ChangeRecord]):
    table = CHANGES


class ChangeByNumber(RowBy[ChangeRecord]):
    table = CHANGES
    by = "numbers"


class Changes(PagesBy[ChangeRecord]):
    table = CHANGES


class ChangesByConfigurationItem(PagesBy[ChangeRecord]):
    table = CHANGES
    link = "configuration_item"
