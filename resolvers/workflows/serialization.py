"""Definition commands and their stored JSON, without defaults."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct
from msgspec.structs import fields

from datasources.aurora.workflows.writes import NewStep
from datasources.records.configuration_items import Environment
from datasources.records.workflows import WorkflowStepKind
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed
from resolvers.validation import attributes_violation
from resolvers.workflows import definition
from resolvers.workflows.checking.definitions import MAX_INPUTS, MAX_STEPS, is_key
from resolvers.workflows.definition import Configuration, TriggerEvent

# In bytes of JSON, for a definition; no person reads a larger one.
MAX_DEFINITION_BYTES = 262_144


class WorkflowLabel(Struct, frozen=True, kw_only=True):
    """A name and a text, for example an attribute and its value."""

    name: Annotated[str, Meta(description="The name, for example `tier`.")]
    value: Annotated[str, Meta(description="The value, exactly, for example `1`.")]


class WorkflowExpression(Struct, frozen=True, kw_only=True):
    """A name and an expression."""

    name: Annotated[str, Meta(description="The name of the value for the executor.")]
    value: Annotated[
        str, Meta(description="An expression in CEL, for example `inputs.size` or `steps.check.outcome.node`.")
    ]


class WorkflowTrigger(Struct, frozen=True, kw_only=True):
    """The event and the conditions that start a run; all given conditions must hold. Class, environment and labels must
    hold for the same configuration item: one that the incident affects, or the item itself."""

    event: Annotated[TriggerEvent, Meta(description="The event.")] = TriggerEvent.MANUAL
    class_key: Annotated[str | None, Meta(description="The key of the class of the item; subclasses are included.")] = (
        msgspec.field(name="class", default=None)
    )
    environment: Annotated[tuple[Environment, ...], Meta(description="Any of these environments; empty for all.")] = ()
    labels: Annotated[
        tuple[WorkflowLabel, ...], Meta(description="Attributes that the item must have, each with exactly this text.")
    ] = ()
    priority: Annotated[
        tuple[int, ...], Meta(description="Any of these priorities of the incident, 1 to 5; empty for all.")
    ] = ()
    category: Annotated[str | None, Meta(description="The exact category of the incident.")] = None
    workflows: Annotated[
        tuple[str, ...], Meta(description="For RUN_FINISHED: the keys of the workflows whose runs trigger this one.")
    ] = ()
    when: Annotated[
        str | None,
        Meta(
            description="An expression in CEL that must be true, over `incident` and `items`, or over `cause` for "
            "RUN_FINISHED: `incident.impact <= 2 && items.exists(i, i.criticality == 'CRITICAL')`."
        ),
    ] = None


class WorkflowInput(Struct, frozen=True, kw_only=True):
    """A named input of a run."""

    name: Annotated[str, Meta(description="Its name in expressions, for example `newSize` for `inputs.newSize`.")]
    description: Annotated[str, Meta(description="What it means, for the person who fills in the form.")] = ""
    default: Annotated[Any, Meta(description="Its default value. If omitted, the input is required.")] = UNSET


class WorkflowRetry(Struct, frozen=True, kw_only=True):
    """How often a step is attempted before it fails."""

    attempts: Annotated[int, Meta(description="The maximum number of attempts, from 1 to 10.")] = 1
    backoff: Annotated[
        float, Meta(description="Seconds before the second attempt, 0 to 3600; each later pause is doubled.")
    ] = 5.0


class WorkflowManual(Struct, frozen=True, kw_only=True):
    """The configuration of a MANUAL step, which a person does."""

    instructions: Annotated[str, Meta(description="What the person must do, in detail.")] = ""
    team: Annotated[str | None, Meta(description="The key of the team that does it; null for anyone.")] = None


class WorkflowApproval(Struct, frozen=True, kw_only=True):
    """The approvers of an APPROVAL step: members of the team and the users; if neither is given, all with
    permission."""

    approvals: Annotated[int, Meta(description="The number of approvals needed; one rejection fails the step.")] = 1
    team: Annotated[str | None, Meta(description="The key of the team whose members can approve.")] = None
    users: Annotated[tuple[str, ...], Meta(description="The keys of the users who can approve.")] = ()
    four_eyes: Annotated[
        bool, Meta(description="Whether the person who requested the run is excluded from the approvers.")
    ] = True


class WorkflowRemediation(Struct, frozen=True, kw_only=True):
    """An action of an executor, which receives a message on the queue for the priority of the run."""

    action: Annotated[str, Meta(description="The action in the terms of the executor, for example `redis.promote`.")]
    inputs: Annotated[
        tuple[WorkflowExpression, ...],
        Meta(description="The inputs for the executor, each the value of an expression."),
    ] = ()


class WorkflowNotification(Struct, frozen=True, kw_only=True):
    """A notification."""

    channel: Annotated[
        str, Meta(description="The channel in the terms of the executor, for example `#demo-incidents`.")
    ]
    message: Annotated[
        str | None,
        Meta(
            description="An expression in CEL whose value is a text, for example `'Promoted for ' + incident.number`."
        ),
    ] = None


class WorkflowWait(Struct, frozen=True, kw_only=True):
    """A pause."""

    seconds: Annotated[int, Meta(description="Seconds, from 1 to 2592000 (30 days).")]


class WorkflowStep(Struct, frozen=True, kw_only=True):
    """A step. Its `kind` selects the part with the configuration: `remediation`, `notification` and `wait` are required
    for their kind, `manual` and `approval` are optional; other parts are rejected."""

    key: Annotated[
        str, Meta(description="Its key, unique in the workflow, for example `drain` for `steps.drain.outcome`.")
    ]
    name: Annotated[str, Meta(description="What will be done, in one line.")]
    kind: Annotated[WorkflowStepKind, Meta(description="Its kind.")]
    depends_on: Annotated[
        tuple[str, ...],
        Meta(description="The keys of the steps that must end before it starts; empty for a first step."),
    ] = ()
    when: Annotated[str | None, Meta(description="An expression in CEL; if it is false, the step is skipped.")] = None
    retry: Annotated[WorkflowRetry | None, Meta(description="Null for one attempt.")] = None
    timeout: Annotated[
        int | None, Meta(description="The timeout of an attempt in seconds, 1 to 2592000; null for no timeout.")
    ] = None
    compensates: Annotated[
        str | None,
        Meta(
            description="The key of the step that this one compensates; it runs only if the run fails or is cancelled "
            "after that step."
        ),
    ] = None
    manual: Annotated[WorkflowManual | None, Meta(description="For MANUAL.")] = None
    approval: Annotated[WorkflowApproval | None, Meta(description="For APPROVAL.")] = None
    remediation: Annotated[WorkflowRemediation | None, Meta(description="For REMEDIATION.")] = None
    notification: Annotated[WorkflowNotification | None, Meta(description="For NOTIFICATION.")] = None
    wait: Annotated[WorkflowWait | None, Meta(description="For WAIT.")] = None


def trigger_data(wanted: WorkflowTrigger | None) -> dict[str, Any]:
    """Return a trigger as stored. Refused if a label occurs twice."""
    if wanted is None:
        return {}
    return _omit_defaults(
        definition.Trigger(
            event=wanted.event,
            class_key=wanted.class_key,
            environment=[each.value for each in wanted.environment],
            labels=_by_name(wanted.labels, "trigger.labels", "label"),
            priority=list(wanted.priority),
            category=wanted.category,
            workflows=list(wanted.workflows),
            when=wanted.when,
        )
    )


def inputs_data(wanted: Sequence[WorkflowInput]) -> list[dict[str, Any]]:
    """Return inputs as stored. Refused if there are too many, or if a default cannot be stored."""
    if len(wanted) > MAX_INPUTS:
        raise _invalid("inputs", f"there are {len(wanted)} inputs; at most {MAX_INPUTS} are allowed")
    for nth, each in enumerate(wanted):
        if each.default is not UNSET and (reason := attributes_violation({"default": each.default})):
            raise _invalid(f"inputs.{nth}.default", reason.replace("attributes", "the default"))
    inputs = [definition.Input(name=each.name, description=each.description, default=each.default) for each in wanted]
    return [_omit_defaults(each) for each in inputs]


def new_steps(wanted: Sequence[WorkflowStep]) -> list[NewStep]:
    """Return steps as stored.

    Refused are too many steps, invalid or duplicate keys, and a configuration of another kind or a missing one; all
    other problems are reported when the draft is published.
    """
    if len(wanted) > MAX_STEPS:
        raise _invalid("steps", f"there are {len(wanted)} steps; at most {MAX_STEPS} are allowed, so split it")
    times = Counter(each.key for each in wanted)
    errors: list[UserError] = []
    steps: list[NewStep] = []
    for nth, each in enumerate(wanted):
        try:
            if not is_key(each.key):
                message = (
                    f"{each.key!r} is not a valid key; use at most 64 small letters, digits and hyphens, such as drain"
                )
                raise _invalid(f"steps.{nth}.key", message)
            if times[each.key] > 1:
                raise _invalid(
                    f"steps.{nth}.key", f"{times[each.key]} steps have the key {each.key}; give each its own"
                )
            configuration = _configuration(each, f"steps.{nth}")
        except ValidationFailed as refused:
            errors += refused.errors
            continue
        steps.append(
            NewStep(
                key=each.key, name=each.name, kind=each.kind, depends_on=each.depends_on,
                configuration=_omit_defaults(configuration),
            )
        )  # fmt: skip
    if errors:
        raise ValidationFailed(*errors)
    if len(msgspec.json.encode([step.configuration for step in steps])) > MAX_DEFINITION_BYTES:
        raise _invalid(
            "steps", f"the steps have more than {MAX_DEFINITION_BYTES:,} bytes; refer to long texts, or split it"
        )
    return steps


def _configuration(wanted: WorkflowStep, at: str) -> Configuration:
    own = wanted.kind.value.lower()
    for other in ("manual", "approval", "remediation", "notification", "wait"):
        if other != own and getattr(wanted, other) is not None:
            raise _invalid(f"{at}.{other}", f"a step of kind {wanted.kind.value} takes {own}, not {other}")
    part = getattr(wanted, own)
    if part is None and own in ("remediation", "notification", "wait"):
        raise _invalid(f"{at}.{own}", f"a step of kind {wanted.kind.value} needs {own}; add it")
    retry = wanted.retry or WorkflowRetry()
    values: dict[str, Any] = {} if part is None else {name: getattr(part, name) for name in part.__struct_fields__}
    if "users" in values:
        values["users"] = list(values["users"])
    if "inputs" in values:
        values["inputs"] = _by_name(values["inputs"], f"{at}.remediation.inputs", "input")
    return definition.CONFIGURATIONS[wanted.kind](
        when=wanted.when,
        retry=definition.Retry(attempts=retry.attempts, backoff=retry.backoff),
        timeout=wanted.timeout,
        compensates=wanted.compensates,
        **values,
    )


def _by_name(named: Sequence[WorkflowLabel | WorkflowExpression], field: str, what: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for nth, each in enumerate(named):
        if each.name in values:
            raise _invalid(f"{field}.{nth}.name", f"the {what} {each.name} occurs twice; remove one")
        values[each.name] = each.value
    return values


def _omit_defaults(part: Struct) -> dict[str, Any]:
    """Return a part as data without default values."""
    data: dict[str, Any] = msgspec.to_builtins(part)
    for each in fields(part):
        default = each.default_factory() if each.default_factory is not msgspec.NODEFAULT else each.default
        if default is not msgspec.NODEFAULT and getattr(part, each.name) == default:
            data.pop(each.encode_name, None)
    return data


def _invalid(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(UserError(UserErrorCode.INVALID, field, message))
