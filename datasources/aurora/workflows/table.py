"""Workflows and their steps in the main database."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.workflows import WorkflowRecord, WorkflowStepRecord, WorkflowTriggerProblemRecord

WORKFLOWS = Table(
    domain="workflows",
    record=WorkflowRecord,
    alias="w",
    columns={
        "id": Column("w.id", "uuid"),
        "key": Column("w.key"),
        "name": Column("w.name", spelled=True, indexed=True),
        "state": Column("w.state", grouped=True),
        "updated_at": Column("w.updated_at", "timestamptz", indexed=True),
    },
    relations={"configuration_items": "configuration_items"},
    links=frozenset({"configuration_item"}),
    also_reads=("workflow_configuration_items",),
)


async def fetch_steps_by_ids(database: Database, keys: Sequence[str]) -> dict[str, WorkflowStepRecord]:
    """Return steps by id; unknown ids are left out."""
    statement = statements("workflows/table")["workflow_steps_by_ids"]
    return dict(await database.fetch(statement, {"keys": list(keys)}, KeyedRecord(WorkflowStepRecord)))


async def fetch_trigger_problems_by_ids(
    database: Database, keys: Sequence[str]
) -> dict[str, WorkflowTriggerProblemRecord]:
    """Return the last problems of triggers by the workflow's id; workflows without one are left out."""
    statement = statements("workflows/table")["workflow_trigger_problems_by_ids"]
    return dict(await database.fetch(statement, {"keys": list(keys)}, KeyedRecord(WorkflowTriggerProblemRecord)))
