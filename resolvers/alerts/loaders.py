"""Loaders of alerts."""

from datasources.records.alerts import AlertRecord
from resolvers.loading.tables import RelatedBy


class AlertsByIncident(RelatedBy[AlertRecord]):
    domain = "alerts"
    statement = "alerts_by_incidents"
    record = AlertRecord
    tables = ("alerts",)
