"""Validate with the database: names that definitions use, and cycles between workflows that start each other."""

from collections.abc import Iterator, Mapping, Sequence

from datasources.aurora.workflows import names as rows
from datasources.aurora.workflows.names import StatementReader
from resolvers.unit_of_work import UserError, UserErrorCode
from resolvers.workflows.definition import Approval, Definition, Manual
from resolvers.workflows.dependencies import find_cycles, format_cycle

_WHERE = {
    "class": ("there is no class {}", "see `configurationItemClasses`"),
    "team": ("there is no team {}", "see `teams`"),
    "user": ("there is no active user with the key {}", "see `users`"),
    "workflow": ("there is no workflow {}", "see `workflows`"),
}


async def name_problems(asked: StatementReader, definitions: Sequence[Definition]) -> list[list[UserError]]:
    """Return the problems of each definition, in the order of its fields; needs two statements in total."""
    wanted = [list(_names(each)) for each in definitions]
    keys: dict[str, set[str]] = {kind: set() for kind in _WHERE}
    for _, kind, key in (name for names in wanted for name in names):
        keys[kind].add(key)
    known = await rows.find_names(asked, *(sorted(keys[kind]) for kind in ("class", "team", "user", "workflow")))
    after = await rows.fetch_chained_workflows(asked) if any(each.trigger.workflows for each in definitions) else []
    problems: list[list[UserError]] = []
    for definition, names in zip(definitions, wanted, strict=True):
        unknown = [_unknown(field, kind, key) for field, kind, key in names if (kind, key) not in known]
        problems.append(unknown + list(_cycles(definition, after)))
    return problems


def _unknown(field: str, kind: str, key: str) -> UserError:
    problem, remedy = _WHERE[kind]
    return UserError(UserErrorCode.NOT_FOUND, field, f"{problem.format(key)}; {remedy}")


def _names(definition: Definition) -> Iterator[tuple[str, str, str]]:
    """Yield each name in use: the field, the kind of the name, the key."""
    trigger = definition.trigger
    if trigger.class_key is not None:
        yield "trigger.class", "class", trigger.class_key
    for nth, key in enumerate(trigger.workflows):
        if key != definition.key:
            yield f"trigger.workflows.{nth}", "workflow", key
    for place, step in enumerate(definition.steps):
        configuration, at = step.configuration, f"steps.{place}.{step.kind.value.lower()}"
        if isinstance(configuration, Manual | Approval) and configuration.team is not None:
            yield f"{at}.team", "team", configuration.team
        if isinstance(configuration, Approval):
            for nth, user in enumerate(configuration.users):
                yield f"{at}.users.{nth}", "user", user


def _cycles(definition: Definition, after: Sequence[tuple[str, str]]) -> Iterator[UserError]:
    """Yield the problem if the published definition would start itself through other workflows."""
    edges: dict[str, list[str]] = {definition.key: list(definition.trigger.workflows)}
    for key, other in after:
        # The published revision of the same key retires when this one is published.
        if key != definition.key:
            edges.setdefault(key, []).append(other)
    # A workflow that directly names itself is reported without the database.
    for cycle in find_cycles(_without_loops(edges)):
        if definition.key in cycle:
            # Edges lead from a workflow to its trigger; starts go in the opposite direction.
            message = f"it would start itself: {format_cycle(cycle[::-1])}; remove one of these triggers"
            yield UserError(UserErrorCode.INVALID, "trigger.workflows", message)


def _without_loops(edges: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {key: [other for other in others if other != key] for key, others in edges.items()}
