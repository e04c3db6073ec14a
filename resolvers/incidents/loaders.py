"""Loaders of incidents and their activities."""

from datasources.aurora.incidents.table import INCIDENTS
from datasources.records.incidents import IncidentActivityRecord, IncidentRecord
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
