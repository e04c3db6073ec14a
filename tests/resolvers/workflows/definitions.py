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
        "w", key, 1, name, "", WorkflowState.DRAFT, trigger or {}, 1, None, inputs or []  # type: ignore[arg-type]
    )  # fmt: skip
    rows = [
        WorkflowStepRecord(
            f"s{nth}", "w", each["key"], nth, each.get("name", each["key"]), WorkflowStepKind(each["kind"]),
            each["depends_on"], each["configuration"],
        )
        for nth, each in enumerate(steps)
    ]  # fmt: skip
    return parse_definition(record, rows)
