"""Definition commands and their stored JSON, without defaults."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct
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


class NamedText(Struct, frozen=True, kw_only=True):
    """A name and a text: a label, or an expression."""

    name: str
    value: str


class TriggerSpec(Struct, frozen=True, kw_only=True):
    """The trigger of runs."""

    event: TriggerEvent = TriggerEvent.MANUAL
    class_key: str | None = None
    environment: tuple[Environment, ...] = ()
    labels: tuple[NamedText, ...] = ()
    priority: tuple[int, ...] = ()
    category: str | None = None
    workflows: tuple[str, ...] = ()
    when: str | None = None


class InputSpec(Struct, frozen=True, kw_only=True):
    """A named input of runs."""

    name: str
    description: str = ""
    default: Any = UNSET


class RetrySpec(Struct, frozen=True, kw_only=True):
    """The number of attempts and the pause between them."""

    attempts: int = 1
    backoff: float = 5.0


class ManualSpec(Struct, frozen=True, kw_only=True):
    """A step for a person."""

    instructions: str = ""
    team: str | None = None


class ApprovalSpec(Struct, frozen=True, kw_only=True):
    """The approvals that a step requires."""

    approvals: int = 1
    team: str | None = None
    users: tuple[str, ...] = ()
    four_eyes: bool = True


class RemediationSpec(Struct, frozen=True, kw_only=True):
    """The action of an executor."""

    action: str
    inputs: tuple[NamedText, ...] = ()


class NotificationSpec(Struct, frozen=True, kw_only=True):
    """The channel and the message of a notification."""

    channel: str
    message: str | None = None


class WaitSpec(Struct, frozen=True, kw_only=True):
    """The duration of a pause."""

    seconds: int


class StepSpec(Struct, frozen=True, kw_only=True):
    """A step with the configuration of its kind."""

    key: str
    name: str
    kind: WorkflowStepKind
    depends_on: tuple[str, ...] = ()
    when: str | None = None
    retry: RetrySpec | None = None
    timeout: int | None = None
    compensates: str | None = None
    manual: ManualSpec | None = None
    approval: ApprovalSpec | None = None
    remediation: RemediationSpec | None = None
    notification: NotificationSpec | None = None
    wait: WaitSpec | None = None


def trigger_data(wanted: TriggerSpec | None) -> dict[str, Any]:
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


def inputs_data(wanted: Sequence[InputSpec]) -> list[dict[str, Any]]:
    """Return inputs as stored. Refused if there are too many, or if a default cannot be stored."""
    if len(wanted) > MAX_INPUTS:
        raise _invalid("inputs", f"there are {len(wanted)} inputs; at most {MAX_INPUTS} are allowed")
    for nth, each in enumerate(wanted):
        if each.default is not UNSET and (reason := attributes_violation({"default": each.default})):
            raise _invalid(f"inputs.{nth}.default", reason.replace("attributes", "the default"))
    inputs = [definition.Input(name=each.name, description=each.description, default=each.default) for each in wanted]
    return [_omit_defaults(each) for each in inputs]


def new_steps(wanted: Sequence[StepSpec]) -> list[NewStep]:
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
        steps.append(NewStep(each.key, each.name, each.kind, each.depends_on, _omit_defaults(configuration)))
    if errors:
        raise ValidationFailed(*errors)
    if len(msgspec.json.encode([step.configuration for step in steps])) > MAX_DEFINITION_BYTES:
        raise _invalid(
            "steps", f"the steps have more than {MAX_DEFINITION_BYTES:,} bytes; refer to long texts, or split it"
        )
    return steps


def _configuration(wanted: StepSpec, at: str) -> Configuration:
    own = wanted.kind.value.lower()
    for other in ("manual", "approval", "remediation", "notification", "wait"):
        if other != own and getattr(wanted, other) is not None:
            raise _invalid(f"{at}.{other}", f"a step of kind {wanted.kind.value} takes {own}, not {other}")
    part = getattr(wanted, own)
    if part is None and own in ("remediation", "notification", "wait"):
        raise _invalid(f"{at}.{own}", f"a step of kind {wanted.kind.value} needs {own}; add it")
    retry = wanted.retry or RetrySpec()
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


def _by_name(named: Sequence[NamedText], field: str, what: str) -> dict[str, str]:
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
