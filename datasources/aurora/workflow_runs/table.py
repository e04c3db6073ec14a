"""Workflow runs in the main database; those of restricted incidents are visible to those that can see the incident."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.workflow_runs import BlastRadiusRecord, WorkflowRunRecord

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


async def fetch_blast_radii_by_runs(database: Database, keys: Sequence[str]) -> dict[str, BlastRadiusRecord]:
    """Return the blast radii of runs by the run's id; those not computed yet are left out."""
    statement = statements("workflow_runs/table")["workflow_run_blast_radii_by_runs"]
    return dict(await database.fetch(statement, {"keys": list(keys)}, KeyedRecord(BlastRadiusRecord)))
