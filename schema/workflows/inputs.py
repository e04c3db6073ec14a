"""What clients say of a workflow's definition: its trigger, its inputs and its steps, part by part."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.records.configuration_items import Environment
from datasources.records.workflows import WorkflowStepKind
from resolvers.workflows import serialization as wanted
from resolvers.workflows.definition import TriggerEvent
from schema.declarations.enums import register_enum
from schema.declarations.mutations import InputMapping

register_enum(
    TriggerEvent,
    "What may start a run of a workflow.",
    name="WorkflowTriggerEvent",
    MANUAL="A person or a program asks for it.",
    INCIDENT_OPENED="An incident is opened, by whomever.",
    INCIDENT_CHANGED="Anything of an incident changes: its state, its priority, who works on it.",
    ITEM_CREATED="A configuration item appears.",
    ITEM_CHANGED="Anything of a configuration item changes.",
    RUN_FINISHED="A run of one of the workflows that the trigger names is over, however it ended.",
)


@strawberry.input(description="A text under a name, for example an attribute and its value.")
class WorkflowLabelInput:
    name: str = strawberry.field(description="The name, for example `tier`.")
    value: str = strawberry.field(description="The value, exactly, for example `1`.")


@strawberry.input(description="An expression under a name.")
class WorkflowExpressionInput:
    name: str = strawberry.field(description="The name under which the executor is given the value.")
    value: str = strawberry.field(
        description="An expression in CEL, for example `inputs.size` or `steps.check.outcome.node`."
    )


@strawberry.input(
    description="What starts a run; all that is given must hold. Class, environment and labels must hold for one "
    "configuration item together: one that the incident affects, or the item itself."
)
class WorkflowTriggerInput:
    event: TriggerEvent = strawberry.field(default=TriggerEvent.MANUAL, description="What happens.")
    class_key: str | None = strawberry.field(
        default=None, name="class", description="The key of the item's class; classes below it count, too."
    )
    environment: list[Environment] = strawberry.field(
        default_factory=list, description="One of these environments; empty for any."
    )
    labels: list[WorkflowLabelInput] = strawberry.field(
        default_factory=list, description="Attributes that the item has, each with exactly this text."
    )
    priority: list[int] = strawberry.field(
        default_factory=list, description="One of these priorities of the incident, 1 to 5; empty for any."
    )
    category: str | None = strawberry.field(default=None, description="The incident's category, exactly.")
    workflows: list[str] = strawberry.field(
        default_factory=list, description="For RUN_FINISHED: the keys of the workflows whose runs are meant."
    )
    when: str | None = strawberry.field(
        default=None,
        description="An expression in CEL that must be true, over `incident` and `items`, or over `cause` for "
        "RUN_FINISHED: `incident.impact <= 2 && items.exists(i, i.criticality == 'CRITICAL')`.",
    )


@strawberry.input(description="Something that a run is given under a name.")
class WorkflowInputInput:
    name: str = strawberry.field(description="Its name in expressions, for example `newSize` for `inputs.newSize`.")
    description: str = strawberry.field(default="", description="What it means, for whoever fills in the form.")
    default: JSON | None = strawberry.field(
        default=UNSET, description="What it is where nobody gives it. Left out, it must be given."
    )


@strawberry.input(description="How often a step is tried before it has failed.")
class WorkflowRetryInput:
    attempts: int = strawberry.field(default=1, description="Attempts in all, from 1 to 10.")
    backoff: float = strawberry.field(
        default=5.0, description="Seconds before the second attempt, 0 to 3600; each later pause is twice as long."
    )


@strawberry.input(description="What a person does.")
class WorkflowManualInput:
    instructions: str = strawberry.field(default="", description="What is to be done, at length.")
    team: str | None = strawberry.field(default=None, description="The key of the team that does it; null for anyone.")


@strawberry.input(description="Who says yes. Any of the team or of the users; anyone who may where neither is given.")
class WorkflowApprovalInput:
    approvals: int = strawberry.field(default=1, description="How many people say yes; one no is enough to fail it.")
    team: str | None = strawberry.field(default=None, description="The key of the team that may approve.")
    users: list[str] = strawberry.field(default_factory=list, description="The keys of people who may approve.")
    four_eyes: bool = strawberry.field(
        default=True, description="Whether who asked for the run is none of those who approve."
    )


@strawberry.input(description="What a machine mends. It is told by a message on the queue of the run's priority.")
class WorkflowRemediationInput:
    action: str = strawberry.field(description="What is to be done, as its executor knows it: `redis.promote`.")
    inputs: list[WorkflowExpressionInput] = strawberry.field(
        default_factory=list, description="What the executor is given, each the value of an expression."
    )


@strawberry.input(description="Who is told what.")
class WorkflowNotificationInput:
    channel: str = strawberry.field(description="Where, as its executor knows it: `#demo-incidents`.")
    message: str | None = strawberry.field(
        default=None,
        description="An expression in CEL that gives a text, for example `'Promoted for ' + incident.number`.",
    )


@strawberry.input(description="How long nothing happens.")
class WorkflowWaitInput:
    seconds: int = strawberry.field(description="Seconds, from 1 to 2592000, which is 30 days.")


@strawberry.input(
    description="A step. With `kind` comes the part of that name: `remediation`, `notification` and `wait` must be "
    "given, `manual` and `approval` may; no other part may be given."
)
class WorkflowStepInput:
    key: str = strawberry.field(description="Its key within the workflow: `drain`, for `steps.drain.outcome`.")
    name: str = strawberry.field(description="What is to be done, in a line.")
    kind: WorkflowStepKind = strawberry.field(description="Who or what does it.")
    depends_on: list[str] = strawberry.field(
        default_factory=list, description="The keys of the steps that must be over before; empty for a first step."
    )
    when: str | None = strawberry.field(
        default=None, description="An expression in CEL; where it is false the step is passed over."
    )
    retry: WorkflowRetryInput | None = strawberry.field(default=None, description="Null for one attempt.")
    timeout: int | None = strawberry.field(
        default=None, description="Seconds that an attempt may take, 1 to 2592000; null for as long as it likes."
    )
    compensates: str | None = strawberry.field(
        default=None,
        description="The key of a step that this one undoes; it runs only when the run ends badly after that step.",
    )
    manual: WorkflowManualInput | None = strawberry.field(default=None, description="For MANUAL.")
    approval: WorkflowApprovalInput | None = strawberry.field(default=None, description="For APPROVAL.")
    remediation: WorkflowRemediationInput | None = strawberry.field(default=None, description="For REMEDIATION.")
    notification: WorkflowNotificationInput | None = strawberry.field(default=None, description="For NOTIFICATION.")
    wait: WorkflowWaitInput | None = strawberry.field(default=None, description="For WAIT.")


NAMED_MAPPING = InputMapping(wanted.NamedText)
TRIGGER_MAPPING = InputMapping(wanted.TriggerSpec, lists={"labels": NAMED_MAPPING})
INPUT_MAPPING = InputMapping(wanted.InputSpec)
STEP_MAPPING = InputMapping(
    wanted.StepSpec,
    objects={
        "retry": InputMapping(wanted.RetrySpec),
        "manual": InputMapping(wanted.ManualSpec),
        "approval": InputMapping(wanted.ApprovalSpec),
        "remediation": InputMapping(wanted.RemediationSpec, lists={"inputs": NAMED_MAPPING}),
        "notification": InputMapping(wanted.NotificationSpec),
        "wait": InputMapping(wanted.WaitSpec),
    },
)
