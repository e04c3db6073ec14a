"""Operations as tools of a language model: what it may choose, and what of its choice is taken."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from datasources.language.port import Tool, ToolChoice
from datasources.records.incidents import IncidentState
from resolvers.operations.catalog import KINDS, Operation, VariableKind
from resolvers.operations.entities import Entities
from resolvers.operations.matching import Choice

# Calls a model with a question and tools; None if no model could be used.
Choose = Callable[[str, Sequence[Tool]], Awaitable[ToolChoice | None]]

MAX_TOOLS = 8
# The rest of a text that stands for a name would be ignored.
MAX_NAME = 200

_TEXT = {"type": "string", "maxLength": MAX_NAME}
_SCHEMAS: Mapping[VariableKind, Mapping[str, Any]] = MappingProxyType(
    {
        VariableKind.ITEM: _TEXT | {"description": "The configuration item, as the question names it."},
        VariableKind.TEAM: _TEXT | {"description": "The team, as the question names it."},
        VariableKind.INCIDENT_NUMBER: _TEXT | {"description": "The number of the incident, as in the question."},
        VariableKind.CHANGE_NUMBER: _TEXT | {"description": "The number of the change, as in the question."},
        VariableKind.ANSWER: _TEXT | {"description": "The id of the answer, as in the question."},
        VariableKind.PRIORITIES: {"type": "array", "items": {"type": "integer", "enum": [1, 2, 3, 4, 5]}},
        VariableKind.STATES: {"type": "array", "items": {"type": "string", "enum": [*IncidentState]}},
    }
)


def list_tools(choices: Sequence[Choice]) -> list[Tool]:
    """Return the operations of the best choices as tools, at most MAX_TOOLS."""
    operations = list(dict.fromkeys(choice.operation for choice in choices))[:MAX_TOOLS]
    return [to_tool(operation) for operation in operations]


def to_tool(operation: Operation) -> Tool:
    """Return an operation as a tool. Nothing about the caller is in its schema."""
    schema = {
        "type": "object",
        "properties": {name: _SCHEMAS[KINDS[name]] for name in (*operation.required, *operation.optional)},
        "required": list(operation.required),
        "additionalProperties": False,
    }
    return Tool(operation.name, f"{operation.title}. For example: {' '.join(operation.examples[:3])}", schema)


def resolve_choice(reply: ToolChoice, choices: Sequence[Choice], entities: Entities) -> Choice | None:
    """Return the one choice that the reply of a model means; None if there is none or several.

    Its variables are those of the question's own entities: a reply with a name that the question does not have, another
    priority, or a variable that the operation does not declare means nothing.
    """
    meant = [
        choice
        for choice in choices
        if choice.operation.name == reply.tool and _means(reply.variables, choice, entities)
    ]
    return meant[0] if len(meant) == 1 else None


def _means(variables: Mapping[str, Any], choice: Choice, entities: Entities) -> bool:
    if not set(choice.operation.required) <= set(variables) <= {*choice.operation.required, *choice.operation.optional}:
        return False
    return all(
        _is_name(value, choice.variables[name], entities)
        if name in choice.operation.required
        else value == choice.variables.get(name)
        for name, value in variables.items()
    )


def _is_name(text: Any, value: str, entities: Entities) -> bool:
    """Whether a text is the value itself, its name, or the words by which the question mentions it."""
    if not isinstance(text, str):
        return False
    names = {value} | {
        name
        for mention in entities.mentions
        for candidate in mention.candidates
        if candidate.value == value
        for name in (candidate.name, " ".join(entities.words[mention.start : mention.end]))
    }
    return text.casefold() in {name.casefold() for name in names}
