"""Validate a definition: all problems at once, each with its field and a remedy.

Checks that need the database (names of classes, teams and people, other workflows) are in `names`.
"""

import re
from collections import Counter
from collections.abc import Iterator

from msgspec import UNSET

from datasources.records.configuration_items import Environment
from resolvers.unit_of_work import UserError, UserErrorCode
from resolvers.workflows.checking.expressions import expression_problems
from resolvers.workflows.definition import Approval, Definition, Step, Trigger, TriggerEvent, Wait
from resolvers.workflows.dependencies import find_cycles, find_reachable, format_cycle

MAX_STEPS = 100
MAX_INPUTS = 50
# Thirty days. Longer processes need several workflows.
MAX_WAIT_SECONDS = 2_592_000
MAX_ATTEMPTS = 10
MAX_BACKOFF_SECONDS = 3600.0

_SLUG = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")

INCIDENT_EVENTS = frozenset({TriggerEvent.INCIDENT_OPENED, TriggerEvent.INCIDENT_CHANGED})
ITEM_EVENTS = frozenset({TriggerEvent.ITEM_CREATED, TriggerEvent.ITEM_CHANGED})
# The events for which each condition is allowed.
_CONDITIONS = {
    "class": INCIDENT_EVENTS | ITEM_EVENTS,
    "environment": INCIDENT_EVENTS | ITEM_EVENTS,
    "labels": INCIDENT_EVENTS | ITEM_EVENTS,
    "priority": INCIDENT_EVENTS,
    "category": INCIDENT_EVENTS,
    "workflows": frozenset({TriggerEvent.RUN_FINISHED}),
    "when": frozenset(TriggerEvent) - {TriggerEvent.MANUAL},
}


def find_problems(definition: Definition) -> list[UserError]:
    """Return all problems that prevent the definition from running, in the order of its fields; empty if it is valid.

    Fields are paths such as `steps.2.depends_on`.
    """
    problems = [
        *_own(definition),
        *_inputs(definition),
        *_trigger(definition.trigger, definition.key),
        *_keys(definition),
        *(problem for nth, step in enumerate(definition.steps) for problem in _step(step, f"steps.{nth}")),
        *_order(definition),
        *expression_problems(definition),
    ]
    return [UserError(UserErrorCode.INVALID, field, message) for field, message in problems]


def is_key(text: str) -> bool:
    """Whether a text can be the key of a workflow or a step."""
    return len(text) <= 64 and _SLUG.fullmatch(text) is not None


Problems = Iterator[tuple[str, str]]


def _own(definition: Definition) -> Problems:
    if not is_key(definition.key):
        yield "key", _key_form(definition.key)
    if not definition.name.strip():
        yield "name", "name is empty; enter a text"
    if not definition.steps:
        yield "steps", "there are no steps; add at least one"
    if len(definition.steps) > MAX_STEPS:
        yield "steps", f"there are {len(definition.steps)} steps; at most {MAX_STEPS} are allowed, so split it"


def _key_form(key: str) -> str:
    return f"{key!r} is not a valid key; use at most 64 small letters, digits and hyphens, such as restart-service"


def _inputs(definition: Definition) -> Problems:
    if len(definition.inputs) > MAX_INPUTS:
        yield "inputs", f"there are {len(definition.inputs)} inputs; at most {MAX_INPUTS} are allowed"
    times = Counter(each.name for each in definition.inputs)
    for nth, each in enumerate(definition.inputs):
        if not (len(each.name) <= 64 and _NAME.fullmatch(each.name)):
            yield (
                f"inputs.{nth}.name",
                f"{each.name!r} is not a valid name of an input; use letters and digits, such as newSize",
            )
        elif times[each.name] > 1:
            yield f"inputs.{nth}.name", f"there are {times[each.name]} inputs {each.name}; give each its own name"
        if each.default is UNSET and definition.trigger.event is not TriggerEvent.MANUAL:
            yield (
                f"inputs.{nth}.default",
                f"the input {each.name} has no default, and a trigger passes no inputs; set a default",
            )


def _trigger(trigger: Trigger, key: str) -> Problems:
    values = {
        "class": trigger.class_key,
        "environment": trigger.environment,
        "labels": trigger.labels,
        "priority": trigger.priority,
        "category": trigger.category,
        "workflows": trigger.workflows,
        "when": trigger.when,
    }
    for name, events in _CONDITIONS.items():
        if values[name] and trigger.event not in events:
            yield f"trigger.{name}", f"{name} cannot be used with {trigger.event.value}; leave it out"
    for nth, environment in enumerate(trigger.environment):
        if environment not in Environment.__members__:
            yield (
                f"trigger.environment.{nth}",
                f"there is no environment {environment}; use one of {', '.join(Environment)}",
            )
    for nth, priority in enumerate(trigger.priority):
        if not 1 <= priority <= 5:
            yield f"trigger.priority.{nth}", "priority must be from 1 (highest) to 5"
    if trigger.event is TriggerEvent.RUN_FINISHED and not trigger.workflows:
        yield "trigger.workflows", "workflows is empty; add the keys of other workflows"
    if key in trigger.workflows:
        yield (
            f"trigger.workflows.{trigger.workflows.index(key)}",
            f"it would start itself: {key} -> {key}; use keys of other workflows only",
        )


def _keys(definition: Definition) -> Problems:
    times = Counter(step.key for step in definition.steps)
    for nth, step in enumerate(definition.steps):
        if not is_key(step.key):
            yield f"steps.{nth}.key", _key_form(step.key)
        elif times[step.key] > 1:
            yield f"steps.{nth}.key", f"{times[step.key]} steps have the key {step.key}; give each its own"


def _step(step: Step, at: str) -> Problems:
    configuration = step.configuration
    if not step.name.strip():
        yield f"{at}.name", "name is empty; enter what the step does"
    if not 1 <= configuration.retry.attempts <= MAX_ATTEMPTS:
        yield f"{at}.retry.attempts", f"attempts must be from 1 to {MAX_ATTEMPTS}"
    if not 0 <= configuration.retry.backoff <= MAX_BACKOFF_SECONDS:
        yield f"{at}.retry.backoff", f"backoff must be from 0 to {MAX_BACKOFF_SECONDS:.0f} seconds"
    if configuration.timeout is not None and not 1 <= configuration.timeout <= MAX_WAIT_SECONDS:
        yield f"{at}.timeout", f"timeout must be from 1 to {MAX_WAIT_SECONDS} seconds, which is 30 days"
    if isinstance(configuration, Wait):
        if not 1 <= configuration.seconds <= MAX_WAIT_SECONDS:
            yield f"{at}.wait.seconds", f"seconds must be from 1 to {MAX_WAIT_SECONDS}, which is 30 days"
        elif configuration.timeout is not None and configuration.timeout <= configuration.seconds:
            yield f"{at}.timeout", "the step would time out before the wait ends; leave out the timeout"
    if isinstance(configuration, Approval):
        if configuration.approvals < 1:
            yield f"{at}.approval.approvals", "approvals must be at least 1; use a manual step if no approval is needed"
        elif (
            configuration.users
            and configuration.team is None
            and configuration.approvals > len(set(configuration.users))
        ):
            yield (
                f"{at}.approval.approvals",
                f"{configuration.approvals} approvals are required from {len(set(configuration.users))} people; "
                "add users, or require fewer approvals",
            )
    for name in ("action", "channel"):
        if not getattr(configuration, name, "it has none").strip():
            yield f"{at}.{step.kind.value.lower()}.{name}", f"{name} is empty; enter a name"


def _order(definition: Definition) -> Problems:
    """Yield unknown dependencies, cycles, and steps that can never start."""
    places = {step.key: nth for nth, step in reversed(list(enumerate(definition.steps)))}
    undoing = {step.key for step in definition.steps if step.configuration.compensates is not None}
    for nth, step in enumerate(definition.steps):
        for key in dict.fromkeys(step.depends_on):
            if key not in places:
                yield f"steps.{nth}.depends_on", f"there is no step {key}; use one of {', '.join(places)}"
            elif key in undoing and step.key not in undoing:
                yield (
                    f"steps.{nth}.depends_on",
                    f"it can never start: {key} compensates, so it runs only if the run fails or is cancelled",
                )
        yield from _compensation(step, f"steps.{nth}", places, undoing)
    edges = forward_dependencies(definition)
    cycles = find_cycles(edges)
    for cycle in cycles:
        yield (
            f"steps.{places[cycle[0]]}.depends_on",
            f"steps wait for each other: {format_cycle(cycle)}; remove one of these dependencies",
        )
    stuck = {key for cycle in cycles for key in cycle}
    for key in edges:
        before = find_reachable(edges, key)
        if key not in before and (blocked := [each for each in edges if each in before & stuck]):
            yield (
                f"steps.{places[key]}.depends_on",
                f"it can never start: it waits for {blocked[0]}, which waits for itself",
            )


def _compensation(step: Step, at: str, places: dict[str, int], undoing: set[str]) -> Problems:
    key = step.configuration.compensates
    if key is None:
        return
    if key == step.key:
        yield f"{at}.compensates", "a step cannot compensate itself; use another step"
    elif key not in places:
        yield f"{at}.compensates", f"there is no step {key}; use one of {', '.join(places)}"
    elif key in undoing:
        yield f"{at}.compensates", f"{key} compensates another step, so it cannot be compensated"
    if step.depends_on:
        yield (
            f"{at}.depends_on",
            "a compensating step runs after the end of the run and has no dependencies; leave it out",
        )


def forward_dependencies(definition: Definition) -> dict[str, list[str]]:
    """Return the dependencies of each step that does not compensate; in order of position."""
    steps = {step.key: step for step in reversed(definition.steps) if step.configuration.compensates is None}
    return {key: [each for each in steps[key].depends_on if each in steps] for key in reversed(list(steps))}
