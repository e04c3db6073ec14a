"""What is wrong with the names that definitions use, and with who starts whom: what only the database can tell."""

from collections.abc import Iterator, Mapping, Sequence

from datasources.aurora.workflows import names as rows
from datasources.aurora.workflows.names import StatementReader
from resolvers.unit_of_work import UserError, UserErrorCode
from resolvers.workflows.definition import Approval, Definition, Manual
from resolvers.workflows.dependencies import find_cycles, format_cycle

_WHERE = {
    "class": ("there is no class {}", "see `configurationItemClasses`"),
    "team": ("there is no team {}", "see `teams`"),
    "user": ("there is nobody active with the key {}", "see `users`"),
    "workflow": ("there is no workflow {}", "see `workflows`"),
}


async def name_problems(asked: StatementReader, definitions: Sequence[Definition]) -> list[list[UserError]]:
    """The problems of each definition, in the order of its fields; two statements for all of them."""
    wanted = [list(_names(each)) for each in definitions]
    keys: dict[str, set[str]] = {kind: set() for kind in _WHERE}
    for _, kind, key in (name for names in wanted for name in names):
        keys[kind].add(key)
    known = await rows.find_known_names(asked, *(sorted(keys[kind]) for kind in ("class", "team", "user", "workflow")))
    after = await rows.fetch_chained_workflows(asked) if any(each.trigger.workflows for each in definitions) else []
    found: list[list[UserError]] = []
    for definition, names in zip(definitions, wanted, strict=True):
        unknown = [_unknown(field, kind, key) for field, kind, key in names if (kind, key) not in known]
        found.append(unknown + list(_cycles(definition, after)))
    return found


def _unknown(field: str, kind: str, key: str) -> UserError:
    said, remedy = _WHERE[kind]
    return UserError(UserErrorCode.NOT_FOUND, field, f"{said.format(key)}; {remedy}")


def _names(definition: Definition) -> Iterator[tuple[str, str, str]]:
    """Each name that is used: the field, what it is the key of, the key."""
    trigger = definition.trigger
    if trigger.class_key is not None:
        yield "trigger.class", "class", trigger.class_key
    for nth, key in enumerate(trigger.workflows):
        if key != definition.key:
            yield f"trigger.workflows.{nth}", "workflow", key
    for place, step in enumerate(definition.steps):
        wanted, at = step.configuration, f"steps.{place}.{step.kind.value.lower()}"
        if isinstance(wanted, Manual | Approval) and wanted.team is not None:
            yield f"{at}.team", "team", wanted.team
        if isinstance(wanted, Approval):
            for nth, user in enumerate(wanted.users):
                yield f"{at}.users.{nth}", "user", user


def _cycles(definition: Definition, after: Sequence[tuple[str, str]]) -> Iterator[UserError]:
    """Whether the definition, once published, would start itself by way of others."""
    edges: dict[str, list[str]] = {definition.key: list(definition.trigger.workflows)}
    for key, other in after:
        # The published revision of the same key retires when this one is published.
        if key != definition.key:
            edges.setdefault(key, []).append(other)
    # A ring of one is told without the database.
    for ring in find_cycles(_without_loops(edges)):
        if definition.key in ring:
            # An edge says who is waited for; what starts what goes the other way.
            message = f"it would start itself: {format_cycle(ring[::-1])}; take one of these triggers away"
            yield UserError(UserErrorCode.INVALID, "trigger.workflows", message)


def _without_loops(edges: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {key: [other for other in others if other != key] for key, others in edges.items()}
