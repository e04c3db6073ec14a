"""Writes of workflows: statements inside a transaction."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import asdict
from uuid_utils import uuid7

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.row_factory import EnumRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.queries import Scope
from datasources.records.unreadable import Document
from datasources.records.workflows import WorkflowRecord, WorkflowStepKind, WorkflowStepRecord

_STATEMENTS = "workflows/writes"
_WORKFLOW = EnumRecord(WorkflowRecord)


class NewStep(NamedTuple):
    """A step to write; its position is its place in the list, from 1."""

    key: str
    name: str
    kind: WorkflowStepKind
    depends_on: Sequence[str]
    configuration: Document


async def lock_key(transaction: Transaction, key: str) -> None:
    """Become the only writer of revisions of this key until the transaction ends."""
    await transaction.fetch(statements(_STATEMENTS)["workflow_key_locked"], {"key": key}, str)


async def lock_publishing(transaction: Transaction) -> None:
    """Become the only publisher of workflows until the transaction ends."""
    await transaction.fetch(statements(_STATEMENTS)["workflow_publishing_locked"], {}, str)


async def insert(transaction: Transaction, record: WorkflowRecord) -> WorkflowRecord:
    """Insert a draft and return it; the database sets revision, state and version. Lock its key first."""
    [inserted] = await transaction.fetch(statements(_STATEMENTS)["workflow_insert"], _bound(record), _WORKFLOW)
    return inserted


async def lock(transaction: Transaction, id: str) -> WorkflowRecord | None:
    """Lock the revision until the transaction ends, and return it."""
    rows = await transaction.fetch(statements(_STATEMENTS)["workflows_locked"], {"ids": [id]}, _WORKFLOW)
    return rows[0] if rows else None


async def lock_published(transaction: Transaction, key: str) -> list[WorkflowRecord]:
    """Lock and return the published revisions of a key, until the transaction ends."""
    return await transaction.fetch(statements(_STATEMENTS)["workflows_published_of_key"], {"key": key}, _WORKFLOW)


async def update(transaction: Transaction, record: WorkflowRecord) -> WorkflowRecord:
    """Update a locked revision; the version increases."""
    [updated] = await transaction.fetch(statements(_STATEMENTS)["workflow_update"], _bound(record), _WORKFLOW)
    return updated


async def write_publisher(transaction: Transaction, id: str, principal: str, scope: Scope) -> None:
    """Store who publishes a revision, and that principal's scope."""
    bound = {
        "id": id, "principal": principal, "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys),
    }  # fmt: skip
    await transaction.execute(statements(_STATEMENTS)["workflow_publisher_written"], bound)


async def delete(transaction: Transaction, id: str) -> None:
    """Delete a locked revision with its steps; there must be no run of it."""
    await transaction.execute(statements(_STATEMENTS)["workflow_deleted"], {"id": id})


async def is_used(transaction: Transaction, id: str) -> bool:
    """Return whether there is a run of this revision."""
    [used] = await transaction.fetch(statements(_STATEMENTS)["workflow_is_used"], {"id": id}, bool)
    return used


async def fetch_steps(transaction: Transaction, id: str) -> list[WorkflowStepRecord]:
    """Return the steps of a revision, ordered by position."""
    return await transaction.fetch(
        statements(_STATEMENTS)["workflow_steps_of"], {"id": id}, EnumRecord(WorkflowStepRecord)
    )


async def replace_steps(transaction: Transaction, id: str, wanted: Sequence[NewStep]) -> None:
    """Replace the steps of a revision; there must be no run of it."""
    await transaction.execute(statements(_STATEMENTS)["workflow_steps_deleted"], {"id": id})
    await transaction.execute(
        statements(_STATEMENTS)["workflow_steps_insert"],
        {
            "workflow_id": id,
            "ids": [str(uuid7()) for _ in wanted],
            "keys": [step.key for step in wanted],
            "names": [step.name for step in wanted],
            "kinds": [step.kind.value for step in wanted],
            "depends_on": [dump_document(list(step.depends_on)) for step in wanted],
            "configurations": [dump_document(step.configuration) for step in wanted],
        },
    )


async def fetch_items(transaction: Transaction, id: str) -> list[str]:
    """Return the ids of the configuration items that a revision is meant for, in order."""
    return await transaction.fetch(statements(_STATEMENTS)["workflow_items_of"], {"id": id}, str)


async def replace_items(transaction: Transaction, id: str, wanted: Sequence[str]) -> None:
    """Replace the items that a revision is meant for."""
    await transaction.execute(statements(_STATEMENTS)["workflow_items_replaced"], {"id": id, "items": list(wanted)})


def _bound(record: WorkflowRecord) -> dict[str, object]:
    return asdict(record) | {"trigger": dump_document(record.trigger), "inputs": dump_document(record.inputs)}
