"""A GraphQL type is a view of a record: it shows what exists there, and is as nullable. Records are built by names."""

import ast
import importlib
import inspect
import pkgutil
import types
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec
import pytest
from graphql import GraphQLNonNull, GraphQLObjectType
from strawberry.types.base import StrawberryObjectDefinition

from datasources import records
from schema.declarations.field_sources import AttributeDeclaration, LinkDeclaration
from schema.declarations.fields import DeclaredField, declared_fields
from schema.schema import SCHEMA
from tests.architecture.test_house import MODULES, shown

VIEWS: dict[str, Any] = {
    definition.name: definition.origin
    for definition in (converted.definition for converted in SCHEMA.schema_converter.type_map.values())
    if isinstance(definition, StrawberryObjectDefinition) and hasattr(definition.origin, "record")
}


def record_types(record: type[Any]) -> dict[str, Any]:
    """What a record holds, by name: annotations, and what its properties and methods return."""
    held: dict[str, Any] = dict(get_type_hints(record))
    for name, member in inspect.getmembers(record, lambda each: isinstance(each, property)):
        held[name] = get_type_hints(member.fget).get("return", Any)
    return held


def source(field: DeclaredField) -> str | None:
    """The record's attribute that a field is read from; None where it is computed."""
    declaration = field.declaration
    if not isinstance(declaration, AttributeDeclaration | LinkDeclaration):
        return None
    get = declaration.get if isinstance(declaration, AttributeDeclaration) else declaration.key
    name = type(get).__name__
    if name == "attrgetter":
        return str(cast("tuple[Any, tuple[str]]", get.__reduce__())[1][0])
    return field.python_name if name == "SameNameGetter" else None


def optional(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def test_there_are_views() -> None:
    assert len(VIEWS) >= 18
    assert {"Incident", "ConfigurationItem", "WorkflowRun", "Viewer"} <= set(VIEWS)


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_what_a_type_shows_is_in_its_record(name: str) -> None:
    held = record_types(VIEWS[name].record)
    shown = {field.python_name: source(field) for field in declared_fields(VIEWS[name]).values()}
    unknown = {field: path for field, path in shown.items() if path and path.split(".")[0] not in held}
    assert unknown == {}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_an_attribute_is_as_nullable_as_the_record(name: str) -> None:
    held = record_types(VIEWS[name].record)
    type_ = SCHEMA._schema.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    wrong = []
    for field in declared_fields(VIEWS[name]).values():
        path = source(field)
        if not isinstance(field.declaration, AttributeDeclaration) or path is None or "." in path:
            continue
        graphql_name = SCHEMA.config.name_converter.get_graphql_name(field)
        if optional(held[path]) == isinstance(type_.fields[graphql_name].type, GraphQLNonNull):
            wrong.append(graphql_name)
    assert wrong == []


# Columns that no field shows, each with its reason.
HIDDEN = {
    "BlastRadius": dict.fromkeys(("item_ids", "depths"), "shown as `items`"),
    "Incident": {"restricted_team_id": "shown as `restricted`; the team would tell outsiders who is concerned"},
    "WorkflowApproval": {"step_run_id": "its parent in every answer"},
    "WorkflowStep": {"workflow_id": "its parent, or known from the run"},
    "WorkflowStepRun": {"run_id": "its parent in every answer"},
}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_every_column_is_shown_or_linked_by_or_told_of(name: str) -> None:
    record = VIEWS[name].record
    if not issubclass(record, msgspec.Struct):
        return
    used = {(path or "").split(".")[0] for path in map(source, declared_fields(VIEWS[name]).values())}
    hidden = {each.name for each in msgspec.structs.fields(record)} - used - {"id"}
    assert hidden == set(HIDDEN.get(name, {}))


# Records of rows. Their fields are many and of few types, so that exchanged values would go unnoticed.
ROWS = {
    value.__name__
    for module in pkgutil.iter_modules(records.__path__, f"{records.__name__}.")
    for value in vars(importlib.import_module(module.name)).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__struct_config__.array_like
    if value.__struct_config__.tag is None
}


def positional(tree: ast.AST) -> list[str]:
    """The records that a module builds from values without the names of their fields."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    called = [each.func.attr if isinstance(each.func, ast.Attribute) else ast.unparse(each.func) for each in calls]
    return [name for name in called if name in ROWS]


def test_there_are_records_of_rows() -> None:
    assert len(ROWS) >= 24
    assert {"IncidentRecord", "LockedRunRecord", "SearchHit"} <= ROWS
    assert positional(ast.parse("records.TeamRecord(*row), TeamRecord(id=''), SearchHit(kind)")) == [
        "TeamRecord", "SearchHit",
    ]  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_record_is_built_by_the_names_of_its_fields(path: Path) -> None:
    assert positional(ast.parse(path.read_text())) == []
