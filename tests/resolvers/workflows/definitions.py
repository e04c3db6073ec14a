"""Definitions to test with, written as briefly as they are in the tables."""

from typing import Any

from datasources.records.workflows import WorkflowRecord, WorkflowState, WorkflowStepKind, WorkflowStepRecord
from resolvers.workflows.definition import Definition, parse_definition


def step(key: str, *depends_on: str, kind: str = "MANUAL", **configuration: Any) -> dict[str, Any]:
    """A step by key, what it waits for, its kind and its configuration."""
    return {"key": key, "depends_on": list(depends_on), "kind": kind, "configuration": configuration}


def definition(
    *steps: dict[str, Any],
    key: str = "mend",
    name: str = "Mend it",
    trigger: dict[str, Any] | None = None,
    inputs: list[dict[str, Any]] | None = None,
) -> Definition:
    """A definition as the tables would give it."""
    record = WorkflowRecord(
        id="w", key=key, revision=1, name=name, description="", state=WorkflowState.DRAFT, trigger=trigger or {},
        version=1, updated_at=None, inputs=inputs or [],  # type: ignore[arg-type]
    )  # fmt: skip
    rows = [
        WorkflowStepRecord(
            id=f"s{nth}", workflow_id="w", key=each["key"], position=nth, name=each.get("name", each["key"]),
            kind=WorkflowStepKind(each["kind"]), depends_on=each["depends_on"], configuration=each["configuration"],
        )
        for nth, each in enumerate(steps)
    ]  # fmt: skip
    return parse_definition(record, rows)
