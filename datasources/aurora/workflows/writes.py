"""Workflows written: statements inside a transaction."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import asdict, replace
from uuid_utils import uuid7

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.queries import Scope
from datasources.records.unreadable import Document
from datasources.records.workflows import WorkflowRecord, WorkflowState, WorkflowStepKind, WorkflowStepRecord

_STATEMENTS = "workflows/writes"


class NewStep(NamedTuple):
    """A step as it is to be; its position is its place among the others, from 1."""

    key: str
    name: str
    kind: WorkflowStepKind
    depends_on: Sequence[str]
    configuration: Document


async def lock_key(transaction: Transaction, key: str) -> None:
    """Nobody else makes a revision of this key until the transaction ends."""
    await transaction.fetch(statements(_STATEMENTS)["workflow_key_locked"], {"key": key}, str)


async def lock_publishing(transaction: Transaction) -> None:
    """Nobody else publishes a workflow until the transaction ends."""
    await transaction.fetch(statements(_STATEMENTS)["workflow_publishing_locked"], {}, str)


async def insert(transaction: Transaction, record: WorkflowRecord) -> WorkflowRecord:
    """A new draft as it now is; the revision, the state and the version are the database's. Lock its key before."""
    [inserted] = await transaction.fetch(statements(_STATEMENTS)["workflow_insert"], _bound(record), _workflow)
    return inserted


async def lock(transaction: Transaction, id: str) -> WorkflowRecord | None:
    """The revision as it is and stays until the transaction ends."""
    found = await transaction.fetch(statements(_STATEMENTS)["workflows_locked"], {"ids": [id]}, _workflow)
    return found[0] if found else None


async def lock_published(transaction: Transaction, key: str) -> list[WorkflowRecord]:
    """The published revisions of a key; they stay as they are until the transaction ends."""
    return await transaction.fetch(statements(_STATEMENTS)["workflows_published_of_key"], {"key": key}, _workflow)


async def update(transaction: Transaction, record: WorkflowRecord) -> WorkflowRecord:
    """A locked revision as it is to be, one version further."""
    [updated] = await transaction.fetch(statements(_STATEMENTS)["workflow_update"], _bound(record), _workflow)
    return updated


async def write_publisher(transaction: Transaction, id: str, principal: str, scope: Scope) -> None:
    """Keep who publishes a revision and what that one can see."""
    bound = {
        "id": id, "principal": principal, "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys),
    }  # fmt: skip
    await transaction.execute(statements(_STATEMENTS)["workflow_publisher_written"], bound)


async def delete(transaction: Transaction, id: str) -> None:
    """A locked revision away, with its steps; there must be no run of it."""
    await transaction.execute(statements(_STATEMENTS)["workflow_deleted"], {"id": id})


async def is_used(transaction: Transaction, id: str) -> bool:
    """Whether there is a run of this revision."""
    [used] = await transaction.fetch(statements(_STATEMENTS)["workflow_is_used"], {"id": id}, bool)
    return used


async def fetch_steps(transaction: Transaction, id: str) -> list[WorkflowStepRecord]:
    """The steps of a revision, in order of position."""
    return await transaction.fetch(statements(_STATEMENTS)["workflow_steps_of"], {"id": id}, _step)


async def replace_steps(transaction: Transaction, id: str, wanted: Sequence[NewStep]) -> None:
    """The revision has these steps and no others; there must be no run of it."""
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
    """The ids of the configuration items that a revision is meant for, in order."""
    return await transaction.fetch(statements(_STATEMENTS)["workflow_items_of"], {"id": id}, str)


async def replace_items(transaction: Transaction, id: str, wanted: Sequence[str]) -> None:
    """The revision is meant for these items and no others."""
    await transaction.execute(statements(_STATEMENTS)["workflow_items_replaced"], {"id": id, "items": list(wanted)})


def _bound(record: WorkflowRecord) -> dict[str, object]:
    return asdict(record) | {"trigger": dump_document(record.trigger), "inputs": dump_document(record.inputs)}


def _workflow(*values: object) -> WorkflowRecord:
    # A record takes columns as they are; who changes a workflow compares its state.
    record = WorkflowRecord(*values)  # type: ignore[arg-type]
    return replace(record, state=WorkflowState(record.state))


def _step(*values: object) -> WorkflowStepRecord:
    record = WorkflowStepRecord(*values)  # type: ignore[arg-type]
    return replace(record, kind=WorkflowStepKind(record.kind))
