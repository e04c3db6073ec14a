"""What a workflow says: its trigger, its inputs, and its steps with what each kind needs to know.

All of it is data in the tables; `read` gives it types. Expressions are texts in CEL, the Common Expression Language.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from datasources.records.unreadable import UnreadableValue
from datasources.records.workflows import WorkflowRecord, WorkflowStepKind, WorkflowStepRecord


class TriggerEvent(StrEnum):
    """What may start a run. MANUAL is a person or a program that asks for one."""

    MANUAL = "manual"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CHANGED = "incident.changed"
    ITEM_CREATED = "configuration-item.created"
    ITEM_CHANGED = "configuration-item.changed"
    RUN_FINISHED = "workflow-run.finished"


class Trigger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"class_key": "class"}):
    """What starts a run; all that is given must hold.

    `class_key` holds for an item of the class or of one below it, `environment` and `labels` (attributes with these
    values) for one item that fulfils all three: an affected item of the incident, or the item itself. `priority` lists
    the priorities 1 to 5 of an incident. `workflows` are keys: whose runs' end is meant. `when` is an expression.
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
    """Something that a run is given under a name. Without a `default` it is required."""

    name: str
    description: str = ""
    default: Any = msgspec.UNSET


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a step is tried in all, and seconds before the second attempt; each later pause is twice as long, up
    to an hour."""

    attempts: int = 1
    backoff: float = 5.0


class _Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # An expression; where it is false the step is passed over.
    when: str | None = None
    retry: Retry = Retry()
    # Seconds an attempt may take; None is for ever.
    timeout: int | None = None
    # The key of a step that this one undoes; such a step runs only when the run fails or is cancelled after that one.
    compensates: str | None = None


class Manual(_Step, frozen=True, kw_only=True):
    """A person does it; somebody of `team`, if one is named by its key."""

    instructions: str = ""
    team: str | None = None


class Approval(_Step, frozen=True, kw_only=True):
    """So many people say yes: any of `team` or `users` (keys), or anybody who may approve where neither is given. With
    `four_eyes` none of them is who asked for the run. One no is enough to fail it."""

    approvals: int = 1
    team: str | None = None
    users: list[str] = []
    four_eyes: bool = True


class Remediation(_Step, frozen=True, kw_only=True):
    """A machine mends something: `action` names what, `inputs` are expressions by name."""

    action: str
    inputs: dict[str, str] = {}


class Notification(_Step, frozen=True, kw_only=True):
    """Somebody is told; `message` is an expression that gives a text."""

    channel: str
    message: str | None = None


class Wait(_Step, frozen=True, kw_only=True):
    """So many seconds pass."""

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
    """A step with its configuration by kind. `depends_on` holds keys of steps that must be over before."""

    id: str
    key: str
    position: int
    name: str
    kind: WorkflowStepKind
    depends_on: tuple[str, ...]
    configuration: Configuration


class Definition(Struct, frozen=True, kw_only=True):
    """One revision of a workflow; its steps in order of position, then key."""

    id: str
    key: str
    revision: int
    name: str
    trigger: Trigger
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]


class InvalidDefinition(Exception):
    """A definition says something that no run can do; `path` is where, for example `steps.2.configuration.action`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def parse_definition(workflow: WorkflowRecord, steps: Sequence[WorkflowStepRecord]) -> Definition:
    """The definition in the rows of a revision. Unreadable if a part of it has not the form that it must have."""
    made = [
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
        steps=tuple(made),
    )


def _convert(value: Any, type: Any, path: str) -> Any:
    if isinstance(value, UnreadableValue):
        raise InvalidDefinition(path, value.reason)
    try:
        return msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        raise InvalidDefinition(path, str(error)) from error
