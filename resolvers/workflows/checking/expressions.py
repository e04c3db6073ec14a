"""What is wrong with the expressions of a definition: they do not compile, or refer to what will not be there."""

from collections.abc import Iterator, Mapping

from resolvers.workflows.definition import Definition, Notification, Remediation, Step, TriggerEvent
from resolvers.workflows.dependencies import find_reachable
from resolvers.workflows.expressions.expression import InvalidExpression, compile_expression

# What each root holds; None where the names are the definition's own, or there are none.
INCIDENT_FIELDS = ("number", "priority", "impact", "urgency", "state", "category", "restricted")
CAUSE_FIELDS = ("workflow", "number", "state")
RUN_FIELDS = ("number", "requestedBy", "cause")
STEP_FIELDS = ("outcome", "state")

# Characters of all expressions of the steps: each 1,000 of them may take 50 ms to be compiled.
MAX_TEXT_LENGTH = 65_536

_STEP_ROOTS = ("inputs", "steps", "incident", "items", "run", "cause")
_TRIGGER_ROOTS = {
    TriggerEvent.MANUAL: (),
    TriggerEvent.INCIDENT_OPENED: ("incident", "items"),
    TriggerEvent.INCIDENT_CHANGED: ("incident", "items"),
    TriggerEvent.ITEM_CREATED: ("items",),
    TriggerEvent.ITEM_CHANGED: ("items",),
    TriggerEvent.RUN_FINISHED: ("cause",),
}


def expression_problems(definition: Definition) -> Iterator[tuple[str, str]]:
    """The field of each bad expression, and what is wrong with it."""
    length = sum(len(text) for step in definition.steps for text in expressions_of(step).values())
    if length > MAX_TEXT_LENGTH:
        yield (
            "steps",
            f"the expressions of the steps have {length:,} characters; at most {MAX_TEXT_LENGTH:,} are allowed",
        )
        return
    trigger = definition.trigger
    if trigger.when is not None and trigger.event is not TriggerEvent.MANUAL:
        yield from _problems("trigger.when", trigger.when, _TRIGGER_ROOTS[trigger.event], frozenset(), frozenset())
    inputs = frozenset(each.name for each in definition.inputs)
    # With doubles the last one stands for all; they are a problem of their own.
    waits = {step.key: step.depends_on for step in definition.steps if step.configuration.compensates is None}
    for nth, step in enumerate(definition.steps):
        before = _before(step, waits)
        for field, text in expressions_of(step).items():
            yield from _problems(f"steps.{nth}.{field}", text, _STEP_ROOTS, inputs, before)


def expressions_of(step: Step) -> Mapping[str, str]:
    """The expressions of a step by their field in the input."""
    wanted, found = step.configuration, {}
    if wanted.when is not None:
        found["when"] = wanted.when
    if isinstance(wanted, Remediation):
        found |= {f"remediation.inputs.{name}": text for name, text in wanted.inputs.items()}
    if isinstance(wanted, Notification) and wanted.message is not None:
        found["notification.message"] = wanted.message
    return found


def _before(step: Step, waits: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """The steps that are over when this one begins; for one that compensates, what was over when the other was."""
    undone = step.configuration.compensates
    if undone is not None:
        return frozenset(find_reachable(waits, undone) | {undone}) & waits.keys()
    return frozenset(find_reachable(waits, step.key) - {step.key}) & waits.keys()


def _problems(
    field: str, text: str, roots: tuple[str, ...], inputs: frozenset[str], steps: frozenset[str]
) -> Iterator[tuple[str, str]]:
    try:
        paths = compile_expression(text).paths
    except InvalidExpression as error:
        yield field, str(error)
        return
    for path in sorted(paths):
        root, rest = path[0], path[1:]
        if root not in roots:
            yield field, f"there is no {root} here; an expression may use {', '.join(roots)}"
        elif reason := _unknown(root, rest, inputs, steps):
            yield field, reason


def _unknown(root: str, rest: tuple[str, ...], inputs: frozenset[str], steps: frozenset[str]) -> str | None:
    """Why what follows a root will not be there; None if it will, or if nobody can tell before it runs."""
    known: dict[str, tuple[str, ...]] = {"incident": INCIDENT_FIELDS, "cause": CAUSE_FIELDS, "run": RUN_FIELDS}
    if root == "inputs" and rest and rest[0] not in inputs:
        return f"there is no input {rest[0]}; declare it among the inputs, or use one of {_listed(inputs)}"
    if root == "steps":
        if not rest:
            return "which step is meant is not said; write steps.<key>.outcome or steps.<key>.state"
        if rest[0] not in steps:
            return f"the step {rest[0]} is not over by then; wait for it by dependsOn, or use one of {_listed(steps)}"
        if len(rest) > 1 and rest[1] not in STEP_FIELDS:
            return f"a step has no {rest[1]}; it has {', '.join(STEP_FIELDS)}"
    if root == "run" and rest[:1] == ("cause",) and len(rest) > 1:
        root, rest = "cause", rest[1:]
    if root in known and rest and rest[0] not in known[root]:
        return f"{root} has no {rest[0]}; it has {', '.join(known[root])}"
    return None


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
