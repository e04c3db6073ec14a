"""Loaders of incidents and their activities."""

from collections.abc import Mapping, Sequence

from datasources.aurora.incidents.similarity import fetch_past_incident_ids, rank_past_incidents
from datasources.aurora.incidents.table import INCIDENTS
from datasources.records.incidents import IncidentActivityRecord, IncidentItem, IncidentMatch, IncidentRecord
from resolvers.loading.loader import Loader
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy


class IncidentById(RowBy[IncidentRecord]):
    table = INCIDENTS


class IncidentByNumber(RowBy[IncidentRecord]):
    table = INCIDENTS
    by = "numbers"


class Incidents(PagesBy[IncidentRecord]):
    table = INCIDENTS


class IncidentsByConfigurationItem(PagesBy[IncidentRecord]):
    table = INCIDENTS
    link = "configuration_item"


class IncidentsByTeam(PagesBy[IncidentRecord]):
    table = INCIDENTS
    link = "team"


class IncidentsByChange(PagesBy[IncidentRecord]):
    table = INCIDENTS
    link = "change"


class ActivitiesByIncident(RelatedBy[IncidentActivityRecord]):
    domain = "incidents"
    statement = "incident_activities_by_incidents"
    record = IncidentActivityRecord
    tables = ("incident_activities",)


class ItemsByIncident(RelatedBy[IncidentItem]):
    domain = "incidents"
    statement = "incident_items_by_incidents"
    record = IncidentItem
    tables = ("incident_configuration_items", "configuration_items")


class PastIncidentMatchesByIncident(Loader[str, list[IncidentMatch]]):
    """The past incidents with the most words of each incident. `arguments` is their greatest number.

    Not cached: they depend on the scope and on all other incidents.
    """

    arguments: int

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[IncidentMatch]]:
        return await rank_past_incidents(self.context.sources.main, keys, self.context.scope, self.arguments)

    def absent(self, key: str) -> list[IncidentMatch]:
        return []


class PastIncidentIdsByConfigurationItem(Loader[str, list[str]]):
    """The newest past incidents of each configuration item. `arguments` is their greatest number."""

    value = list[str]
    reads = ("incidents", "incident_configuration_items", "teams")
    arguments: int

    @property
    def scope_key(self) -> str:
        return self.context.scope.key

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[str]]:
        return await fetch_past_incident_ids(self.context.sources.main, keys, self.context.scope, self.arguments)

    def absent(self, key: str) -> list[str]:
        return []
