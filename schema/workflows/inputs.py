"""Inputs for the definition of a workflow: trigger, inputs and steps."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.records.configuration_items import Environment
from datasources.records.workflows import WorkflowStepKind
from resolvers.workflows import serialization
from resolvers.workflows.definition import TriggerEvent
from schema.declarations.enums import register_enum
from schema.declarations.mutations import InputMapping

register_enum(
    TriggerEvent,
    "The event that starts a run of a workflow.",
    name="WorkflowTriggerEvent",
    MANUAL="A person or a program starts it.",
    INCIDENT_OPENED="An incident is opened, by any source.",
    INCIDENT_CHANGED="Any field of an incident changes: its state, its priority, its assignee.",
    ITEM_CREATED="A configuration item is created.",
    ITEM_CHANGED="Any field of a configuration item changes.",
    RUN_FINISHED="A run of one of the workflows of the trigger ends, in any state.",
)


@strawberry.input(description="A name and a text, for example an attribute and its value.")
class WorkflowLabelInput:
    name: str = strawberry.field(description="The name, for example `tier`.")
    value: str = strawberry.field(description="The value, exactly, for example `1`.")


@strawberry.input(description="A name and an expression.")
class WorkflowExpressionInput:
    name: str = strawberry.field(description="The name of the value for the executor.")
    value: str = strawberry.field(
        description="An expression in CEL, for example `inputs.size` or `steps.check.outcome.node`."
    )


@strawberry.input(
    description="The event and the conditions that start a run; all given conditions must hold. Class, environment and "
    "labels must hold for the same configuration item: one that the incident affects, or the item itself."
)
class WorkflowTriggerInput:
    event: TriggerEvent = strawberry.field(default=TriggerEvent.MANUAL, description="The event.")
    class_key: str | None = strawberry.field(
        default=None, name="class", description="The key of the class of the item; subclasses are included."
    )
    environment: list[Environment] = strawberry.field(
        default_factory=list, description="Any of these environments; empty for all."
    )
    labels: list[WorkflowLabelInput] = strawberry.field(
        default_factory=list, description="Attributes that the item must have, each with exactly this text."
    )
    priority: list[int] = strawberry.field(
        default_factory=list, description="Any of these priorities of the incident, 1 to 5; empty for all."
    )
    category: str | None = strawberry.field(default=None, description="The exact category of the incident.")
    workflows: list[str] = strawberry.field(
        default_factory=list, description="For RUN_FINISHED: the keys of the workflows whose runs trigger this one."
    )
    when: str | None = strawberry.field(
        default=None,
        description="An expression in CEL that must be true, over `incident` and `items`, or over `cause` for "
        "RUN_FINISHED: `incident.impact <= 2 && items.exists(i, i.criticality == 'CRITICAL')`.",
    )


@strawberry.input(description="A named input of a run.")
class WorkflowInputInput:
    name: str = strawberry.field(description="Its name in expressions, for example `newSize` for `inputs.newSize`.")
    description: str = strawberry.field(default="", description="What it means, for the person who fills in the form.")
    default: JSON | None = strawberry.field(
        default=UNSET, description="Its default value. If omitted, the input is required."
    )


@strawberry.input(description="How often a step is attempted before it fails.")
class WorkflowRetryInput:
    attempts: int = strawberry.field(default=1, description="The maximum number of attempts, from 1 to 10.")
    backoff: float = strawberry.field(
        default=5.0, description="Seconds before the second attempt, 0 to 3600; each later pause is doubled."
    )


@strawberry.input(description="The configuration of a MANUAL step, which a person does.")
class WorkflowManualInput:
    instructions: str = strawberry.field(default="", description="What the person must do, in detail.")
    team: str | None = strawberry.field(default=None, description="The key of the team that does it; null for anyone.")


@strawberry.input(
    description="The approvers of an APPROVAL step: members of the team and the users; if neither is given, all with "
    "permission."
)
class WorkflowApprovalInput:
    approvals: int = strawberry.field(
        default=1, description="The number of approvals needed; one rejection fails the step."
    )
    team: str | None = strawberry.field(default=None, description="The key of the team whose members can approve.")
    users: list[str] = strawberry.field(default_factory=list, description="The keys of the users who can approve.")
    four_eyes: bool = strawberry.field(
        default=True, description="Whether the person who requested the run is excluded from the approvers."
    )


@strawberry.input(
    description="An action of an executor, which receives a message on the queue for the priority of the run."
)
class WorkflowRemediationInput:
    action: str = strawberry.field(description="The action in the terms of the executor, for example `redis.promote`.")
    inputs: list[WorkflowExpressionInput] = strawberry.field(
        default_factory=list, description="The inputs for the executor, each the value of an expression."
    )


@strawberry.input(description="A notification.")
class WorkflowNotificationInput:
    channel: str = strawberry.field(
        description="The channel in the terms of the executor, for example `#demo-incidents`."
    )
    message: str | None = strawberry.field(
        default=None,
        description="An expression in CEL whose value is a text, for example `'Promoted for ' + incident.number`.",
    )


@strawberry.input(description="A pause.")
class WorkflowWaitInput:
    seconds: int = strawberry.field(description="Seconds, from 1 to 2592000 (30 days).")


@strawberry.input(
    description="A step. Its `kind` selects the part with the configuration: `remediation`, `notification` and `wait` "
    "are "
    "required for their kind, `manual` and `approval` are optional; other parts are rejected."
)
class WorkflowStepInput:
    key: str = strawberry.field(
        description="Its key, unique in the workflow, for example `drain` for `steps.drain.outcome`."
    )
    name: str = strawberry.field(description="What will be done, in one line.")
    kind: WorkflowStepKind = strawberry.field(description="Its kind.")
    depends_on: list[str] = strawberry.field(
        default_factory=list,
        description="The keys of the steps that must end before it starts; empty for a first step.",
    )
    when: str | None = strawberry.field(
        default=None, description="An expression in CEL; if it is false, the step is skipped."
    )
    retry: WorkflowRetryInput | None = strawberry.field(default=None, description="Null for one attempt.")
    timeout: int | None = strawberry.field(
        default=None, description="The timeout of an attempt in seconds, 1 to 2592000; null for no timeout."
    )
    compensates: str | None = strawberry.field(
        default=None,
        description="The key of the step that this one compensates; it runs only if the run fails or is cancelled "
        "after that step.",
    )
    manual: WorkflowManualInput | None = strawberry.field(default=None, description="For MANUAL.")
    approval: WorkflowApprovalInput | None = strawberry.field(default=None, description="For APPROVAL.")
    remediation: WorkflowRemediationInput | None = strawberry.field(default=None, description="For REMEDIATION.")
    notification: WorkflowNotificationInput | None = strawberry.field(default=None, description="For NOTIFICATION.")
    wait: WorkflowWaitInput | None = strawberry.field(default=None, description="For WAIT.")


NAMED_MAPPING = InputMapping(serialization.NamedText)
TRIGGER_MAPPING = InputMapping(serialization.TriggerSpec, lists={"labels": NAMED_MAPPING})
INPUT_MAPPING = InputMapping(serialization.InputSpec)
STEP_MAPPING = InputMapping(
    serialization.StepSpec,
    objects={
        "retry": InputMapping(serialization.RetrySpec),
        "manual": InputMapping(serialization.ManualSpec),
        "approval": InputMapping(serialization.ApprovalSpec),
        "remediation": InputMapping(serialization.RemediationSpec, lists={"inputs": NAMED_MAPPING}),
        "notification": InputMapping(serialization.NotificationSpec),
        "wait": InputMapping(serialization.WaitSpec),
    },
)
