"""What is wrong with a definition: every problem at once, each with the field where it is and its remedy.

What needs the database (names of classes, teams and people, other workflows) is in `checking_names`.
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
# Seconds: thirty days. What takes longer is another workflow.
MAX_WAIT_SECONDS = 2_592_000
MAX_ATTEMPTS = 10
MAX_BACKOFF_SECONDS = 3600.0

_SLUG = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")

INCIDENT_EVENTS = frozenset({TriggerEvent.INCIDENT_OPENED, TriggerEvent.INCIDENT_CHANGED})
ITEM_EVENTS = frozenset({TriggerEvent.ITEM_CREATED, TriggerEvent.ITEM_CHANGED})
# Which conditions can hold for which events.
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
    """Everything that stops the definition from running as it is meant, in the order of its fields; empty if nothing
    does. Fields are paths such as `steps.2.dependsOn`."""
    found = [
        *_own(definition),
        *_inputs(definition),
        *_trigger(definition.trigger, definition.key),
        *_keys(definition),
        *(problem for nth, step in enumerate(definition.steps) for problem in _step(step, f"steps.{nth}")),
        *_order(definition),
        *expression_problems(definition),
    ]
    return [UserError(UserErrorCode.INVALID, field, message) for field, message in found]


def is_key(text: str) -> bool:
    """Whether a text can be the key of a workflow or a step."""
    return len(text) <= 64 and _SLUG.fullmatch(text) is not None


Problems = Iterator[tuple[str, str]]


def _own(definition: Definition) -> Problems:
    if not is_key(definition.key):
        yield "key", _key_form(definition.key)
    if not definition.name.strip():
        yield "name", "name is empty; say something"
    if not definition.steps:
        yield "steps", "there are no steps; add at least one"
    if len(definition.steps) > MAX_STEPS:
        yield "steps", f"there are {len(definition.steps)} steps; at most {MAX_STEPS} are allowed, so split it"


def _key_form(key: str) -> str:
    return f"{key!r} is no key; write at most 64 small letters, digits and hyphens, such as restart-service"


def _inputs(definition: Definition) -> Problems:
    if len(definition.inputs) > MAX_INPUTS:
        yield "inputs", f"there are {len(definition.inputs)} inputs; at most {MAX_INPUTS} are allowed"
    times = Counter(each.name for each in definition.inputs)
    for nth, each in enumerate(definition.inputs):
        if not (len(each.name) <= 64 and _NAME.fullmatch(each.name)):
            yield f"inputs.{nth}.name", f"{each.name!r} is no name of an input; write letters and digits, as newSize"
        elif times[each.name] > 1:
            yield f"inputs.{nth}.name", f"there are {times[each.name]} inputs {each.name}; give each its own name"
        if each.default is UNSET and definition.trigger.event is not TriggerEvent.MANUAL:
            yield (
                f"inputs.{nth}.default",
                f"the input {each.name} has no default, and a trigger gives none; give it a default",
            )


def _trigger(trigger: Trigger, key: str) -> Problems:
    given = {
        "class": trigger.class_key,
        "environment": trigger.environment,
        "labels": trigger.labels,
        "priority": trigger.priority,
        "category": trigger.category,
        "workflows": trigger.workflows,
        "when": trigger.when,
    }
    for name, events in _CONDITIONS.items():
        if given[name] and trigger.event not in events:
            yield f"trigger.{name}", f"{name} says nothing about {trigger.event.value}; leave it out"
    for nth, environment in enumerate(trigger.environment):
        if environment not in Environment.__members__:
            yield (
                f"trigger.environment.{nth}",
                f"there is no environment {environment}; name one of {', '.join(Environment)}",
            )
    for nth, priority in enumerate(trigger.priority):
        if not 1 <= priority <= 5:
            yield f"trigger.priority.{nth}", "priority runs from 1, the gravest, to 5"
    if trigger.event is TriggerEvent.RUN_FINISHED and not trigger.workflows:
        yield "trigger.workflows", "whose runs are meant is not said; name the keys of other workflows"
    if key in trigger.workflows:
        yield (
            f"trigger.workflows.{trigger.workflows.index(key)}",
            f"it would start itself: {key} -> {key}; name other workflows only",
        )


def _keys(definition: Definition) -> Problems:
    times = Counter(step.key for step in definition.steps)
    for nth, step in enumerate(definition.steps):
        if not is_key(step.key):
            yield f"steps.{nth}.key", _key_form(step.key)
        elif times[step.key] > 1:
            yield f"steps.{nth}.key", f"{times[step.key]} steps have the key {step.key}; give each its own"


def _step(step: Step, at: str) -> Problems:
    wanted = step.configuration
    if not step.name.strip():
        yield f"{at}.name", "name is empty; say what is to be done"
    if not 1 <= wanted.retry.attempts <= MAX_ATTEMPTS:
        yield f"{at}.retry.attempts", f"attempts run from 1 to {MAX_ATTEMPTS}"
    if not 0 <= wanted.retry.backoff <= MAX_BACKOFF_SECONDS:
        yield f"{at}.retry.backoff", f"backoff runs from 0 to {MAX_BACKOFF_SECONDS:.0f} seconds"
    if wanted.timeout is not None and not 1 <= wanted.timeout <= MAX_WAIT_SECONDS:
        yield f"{at}.timeout", f"timeout runs from 1 to {MAX_WAIT_SECONDS} seconds, which is 30 days"
    if isinstance(wanted, Wait):
        if not 1 <= wanted.seconds <= MAX_WAIT_SECONDS:
            yield f"{at}.wait.seconds", f"seconds run from 1 to {MAX_WAIT_SECONDS}, which is 30 days"
        elif wanted.timeout is not None and wanted.timeout <= wanted.seconds:
            yield f"{at}.timeout", "the wait would never end in time; leave the timeout out"
    if isinstance(wanted, Approval):
        if wanted.approvals < 1:
            yield f"{at}.approval.approvals", "approvals are 1 or more; make it a manual step if nobody is to agree"
        elif wanted.users and wanted.team is None and wanted.approvals > len(set(wanted.users)):
            yield (
                f"{at}.approval.approvals",
                f"{wanted.approvals} approvals are wanted of {len(set(wanted.users))} people; name more, or want less",
            )
    for name in ("action", "channel"):
        if not getattr(wanted, name, "it has none").strip():
            yield f"{at}.{step.kind.value.lower()}.{name}", f"{name} is empty; say which"


def _order(definition: Definition) -> Problems:
    """Unknown steps, cycles, and what can never begin."""
    places = {step.key: nth for nth, step in reversed(list(enumerate(definition.steps)))}
    undoing = {step.key for step in definition.steps if step.configuration.compensates is not None}
    for nth, step in enumerate(definition.steps):
        for key in dict.fromkeys(step.depends_on):
            if key not in places:
                yield f"steps.{nth}.dependsOn", f"there is no step {key}; name one of {', '.join(places)}"
            elif key in undoing and step.key not in undoing:
                yield (
                    f"steps.{nth}.dependsOn",
                    f"it could never begin: {key} compensates, so it runs only when the run ends badly",
                )
        yield from _compensation(step, f"steps.{nth}", places, undoing)
    edges = forward_dependencies(definition)
    found = find_cycles(edges)
    for cycle in found:
        yield (
            f"steps.{places[cycle[0]]}.dependsOn",
            f"steps wait for each other: {format_cycle(cycle)}; take one of these dependencies away",
        )
    stuck = {key for cycle in found for key in cycle}
    for key in edges:
        before = find_reachable(edges, key)
        if key not in before and (blocked := [each for each in edges if each in before & stuck]):
            yield (
                f"steps.{places[key]}.dependsOn",
                f"it could never begin: it waits for {blocked[0]}, which waits for itself",
            )


def _compensation(step: Step, at: str, places: dict[str, int], undoing: set[str]) -> Problems:
    key = step.configuration.compensates
    if key is None:
        return
    if key == step.key:
        yield f"{at}.compensates", "a step cannot undo itself; name another step"
    elif key not in places:
        yield f"{at}.compensates", f"there is no step {key}; name one of {', '.join(places)}"
    elif key in undoing:
        yield f"{at}.compensates", f"{key} compensates itself; what undoes is not undone"
    if step.depends_on:
        yield f"{at}.dependsOn", "a step that compensates waits for nothing but the end of the run; leave it out"


def forward_dependencies(definition: Definition) -> dict[str, list[str]]:
    """The steps that each step waits for, without those that compensate; in order of position."""
    steps = {step.key: step for step in reversed(definition.steps) if step.configuration.compensates is None}
    return {key: [each for each in steps[key].depends_on if each in steps] for key in reversed(list(steps))}
