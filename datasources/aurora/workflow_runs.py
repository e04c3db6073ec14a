"""Workflow runs in the main database; those for restricted incidents show only to who sees the incident."""

from datasources.aurora.predicates import Column
from datasources.aurora.table import Table
from datasources.records.workflow_runs import WorkflowRunRecord

WORKFLOW_RUNS = Table(
    domain="workflow_runs",
    record=WorkflowRunRecord,
    alias="r",
    columns={
        "id": Column("r.id", "uuid"),
        "number": Column("r.number", indexed=True),
        "state": Column("r.state", grouped=True),
        "started_at": Column("r.started_at", "timestamptz", indexed=True),
        "finished_at": Column("r.finished_at", "timestamptz"),
    },
    relations={"workflow": "workflows", "configuration_item": "configuration_items"},
    links=frozenset({"workflow", "configuration_item", "incident"}),
    restricted=True,
    also_reads=("incidents", "teams"),
)
