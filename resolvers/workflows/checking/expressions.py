"""Validate the expressions of a definition: they must compile, and refer only to available data."""

from collections.abc import Iterator, Mapping

from resolvers.workflows.definition import Definition, Notification, Remediation, Step, TriggerEvent
from resolvers.workflows.dependencies import find_reachable
from resolvers.workflows.expressions.expression import InvalidExpression, compile_expression

# The members of each root; None where the definition declares them, or where there are none.
INCIDENT_FIELDS = ("number", "priority", "impact", "urgency", "state", "category", "restricted")
CAUSE_FIELDS = ("workflow", "number", "state")
RUN_FIELDS = ("number", "requestedBy", "cause")
STEP_FIELDS = ("outcome", "state")

# In characters, for all expressions of the steps: each 1,000 of them may take 50 ms to compile.
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
    """Yield the field of each invalid expression with the reason."""
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
    # Of duplicate keys the last one counts; duplicates are a separate problem.
    waits = {step.key: step.depends_on for step in definition.steps if step.configuration.compensates is None}
    for nth, step in enumerate(definition.steps):
        before = _before(step, waits)
        for field, text in expressions_of(step).items():
            yield from _problems(f"steps.{nth}.{field}", text, _STEP_ROOTS, inputs, before)


def expressions_of(step: Step) -> Mapping[str, str]:
    """Return the expressions of a step by input field."""
    configuration, expressions = step.configuration, {}
    if configuration.when is not None:
        expressions["when"] = configuration.when
    if isinstance(configuration, Remediation):
        expressions |= {f"remediation.inputs.{name}": text for name, text in configuration.inputs.items()}
    if isinstance(configuration, Notification) and configuration.message is not None:
        expressions["notification.message"] = configuration.message
    return expressions


def _before(step: Step, waits: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the steps that end before this one starts; for a compensating one, those before the compensated step."""
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
            yield field, f"there is no {root} here; an expression can use {', '.join(roots)}"
        elif reason := _unknown(root, rest, inputs, steps):
            yield field, reason


def _unknown(root: str, rest: tuple[str, ...], inputs: frozenset[str], steps: frozenset[str]) -> str | None:
    """Return why a reference will not exist; None if it will, or if this is known only at run time."""
    known: dict[str, tuple[str, ...]] = {"incident": INCIDENT_FIELDS, "cause": CAUSE_FIELDS, "run": RUN_FIELDS}
    if root == "inputs" and rest and rest[0] not in inputs:
        return f"there is no input {rest[0]}; declare it, or use one of {_join_names(inputs)}"
    if root == "steps":
        if not rest:
            return "the step is missing; write steps.<key>.outcome or steps.<key>.state"
        if rest[0] not in steps:
            return f"the step {rest[0]} has not ended by then; add it to dependsOn, or use one of {_join_names(steps)}"
        if len(rest) > 1 and rest[1] not in STEP_FIELDS:
            return f"a step has no {rest[1]}; its members are {', '.join(STEP_FIELDS)}"
    if root == "run" and rest[:1] == ("cause",) and len(rest) > 1:
        root, rest = "cause", rest[1:]
    if root in known and rest and rest[0] not in known[root]:
        return f"{root} has no {rest[0]}; its members are {', '.join(known[root])}"
    return None


def _join_names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
