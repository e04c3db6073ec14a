"""The trusted documents that questions in words can choose, read from `questions.yaml`."""

from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml
from graphql import DocumentNode, NonNullTypeNode, OperationDefinitionNode, OperationType, parse

from resolvers.operations.catalog import KINDS, Operation
from schema.operations import trusted_documents


@cache
def operation_catalog() -> tuple[Operation, ...]:
    """Return all operations with examples, in the order of the file.

    ValueError for a name without a trusted document, a document that is no query, or a required variable that no
    question can fill.
    """
    entries = yaml.safe_load(resources.files(__package__).joinpath("questions.yaml").read_text())
    return tuple(_read_operation(name, MappingProxyType(entry)) for name, entry in entries.items())


def _read_operation(name: str, entry: MappingProxyType[str, Any]) -> Operation:
    document = next((each for each in trusted_documents().values() if each.name == name), None)
    if document is None:
        raise ValueError(f"questions.yaml: there is no trusted document {name}")
    definition = _find_query(name, parse(document.text))
    required: list[str] = []
    optional: list[str] = []
    for variable in definition.variable_definitions or ():
        needs_value = isinstance(variable.type, NonNullTypeNode) and variable.default_value is None
        (required if needs_value else optional).append(variable.variable.name.value)
    if unknown := set(required) - KINDS.keys():
        raise ValueError(f"questions.yaml: no question can fill {', '.join(sorted(unknown))} of {name}")
    return Operation(
        name=name,
        title=entry["title"],
        id=document.id,
        reads_back=entry["reads_back"],
        examples=tuple(entry["examples"]),
        needs=tuple(entry.get("needs", ())),
        words=tuple(entry.get("words", ())),
        unlike=tuple(entry.get("unlike", ())),
        required=tuple(required),
        optional=tuple(each for each in optional if each in KINDS),
    )


def _find_query(name: str, document: DocumentNode) -> OperationDefinitionNode:
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.QUERY:
            return definition
    raise ValueError(f"questions.yaml: {name} is no query, and words choose nothing else")
