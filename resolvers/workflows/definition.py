"""Workflow definitions: a trigger, inputs, and steps with a configuration for each kind.

All of it is stored as JSON; `parse_definition` validates its types. Expressions are texts in CEL, the Common Expression
Language.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from datasources.records.unreadable import UnreadableValue
from datasources.records.workflows import WorkflowRecord, WorkflowStepKind, WorkflowStepRecord


class TriggerEvent(StrEnum):
    """The event that can start a run. MANUAL is a request by a person or a program."""

    MANUAL = "manual"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CHANGED = "incident.changed"
    ITEM_CREATED = "configuration-item.created"
    ITEM_CHANGED = "configuration-item.changed"
    RUN_FINISHED = "workflow-run.finished"


class Trigger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"class_key": "class"}):
    """The conditions that start a run; all of them must hold.

    `class_key` matches an item of the class or a subclass, `environment` and `labels` (attributes with these values) an
    item; one item must match all three: an affected item of the incident, or the item itself. `priority` lists
    priorities 1 to 5 of an incident. `workflows` are the keys of workflows whose runs end. `when` is an expression.
    """

    event: TriggerEvent = TriggerEvent.MANUAL
    class_key: str | None = None
    environment: list[str] = []
    labels: dict[str, str] = {}
    priority: list[int] = []
    category: str | None = None
    workflows: list[str] = []
    when: str | None = None


class Input(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named input of a run. Without a `default` it is required."""

    name: str
    description: str = ""
    default: Any = msgspec.UNSET


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The total number of attempts, and the seconds before the second one; each later pause is twice as long, up to an
    hour."""

    attempts: int = 1
    backoff: float = 5.0


class _Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # An expression; if it is false the step is skipped.
    when: str | None = None
    retry: Retry = Retry()
    # Maximum duration of an attempt in seconds; None for no limit.
    timeout: int | None = None
    # The key of the step that this one compensates; it runs only if the run fails or is cancelled after that step.
    compensates: str | None = None


class Manual(_Step, frozen=True, kw_only=True):
    """A step for a person; for a member of `team` if the key of one is set."""

    instructions: str = ""
    team: str | None = None


class Approval(_Step, frozen=True, kw_only=True):
    """A number of people must approve: members of `team` or `users` (keys), or anyone with the permission if neither is
    set. With `four_eyes` none of them requested the run. One rejection is enough to fail the step."""

    approvals: int = 1
    team: str | None = None
    users: list[str] = []
    four_eyes: bool = True


class Remediation(_Step, frozen=True, kw_only=True):
    """A step for an executor: `action` is its name, `inputs` are expressions by name."""

    action: str
    inputs: dict[str, str] = {}


class Notification(_Step, frozen=True, kw_only=True):
    """A message to a channel; `message` is an expression with a text value."""

    channel: str
    message: str | None = None


class Wait(_Step, frozen=True, kw_only=True):
    """A pause in seconds."""

    seconds: int


Configuration: TypeAlias = Manual | Approval | Remediation | Notification | Wait

CONFIGURATIONS: dict[WorkflowStepKind, type[Configuration]] = {
    WorkflowStepKind.MANUAL: Manual,
    WorkflowStepKind.APPROVAL: Approval,
    WorkflowStepKind.REMEDIATION: Remediation,
    WorkflowStepKind.NOTIFICATION: Notification,
    WorkflowStepKind.WAIT: Wait,
}


class Step(Struct, frozen=True, kw_only=True):
    """A step with the configuration of its kind. `depends_on` are the keys of steps that must end before it starts."""

    id: str
    key: str
    position: int
    name: str
    kind: WorkflowStepKind
    depends_on: tuple[str, ...]
    configuration: Configuration


class Definition(Struct, frozen=True, kw_only=True):
    """One revision of a workflow; steps in order of position, then key."""

    id: str
    key: str
    revision: int
    name: str
    trigger: Trigger
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]


class InvalidDefinition(Exception):
    """A definition is invalid; `path` is the location, for example `steps.2.configuration.action`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def parse_definition(workflow: WorkflowRecord, steps: Sequence[WorkflowStepRecord]) -> Definition:
    """Parse the rows of a revision. Raises InvalidDefinition if a part is malformed."""
    parsed = [
        Step(
            id=step.id,
            key=step.key,
            position=step.position,
            name=step.name,
            kind=WorkflowStepKind(step.kind),
            depends_on=tuple(step.depends_on),
            configuration=_convert(step.configuration, CONFIGURATIONS[step.kind], f"steps.{nth}.configuration"),
        )
        for nth, step in enumerate(sorted(steps, key=lambda each: (each.position, each.key)))
    ]
    return Definition(
        id=workflow.id,
        key=workflow.key,
        revision=workflow.revision,
        name=workflow.name,
        trigger=_convert(workflow.trigger, Trigger, "trigger"),
        inputs=tuple(_convert(workflow.inputs, list[Input], "inputs")),
        steps=tuple(parsed),
    )


def _convert(value: Any, type: Any, path: str) -> Any:
    if isinstance(value, UnreadableValue):
        raise InvalidDefinition(path, value.reason)
    try:
        return msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        raise InvalidDefinition(path, str(error)) from error
