"""What clients see is described, and what they read takes a permission."""

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_nullable_type,
    is_list_type,
)
from strawberry.types.base import StrawberryObjectDefinition

from schema.declarations.field_sources import StreamDeclaration
from schema.declarations.fields import ArgumentSize, DeclaredField, declared_fields
from schema.execution.cost import STRAWBERRY_DEFINITION_KEY
from schema.mutation import MutationRoot
from schema.query import Query
from schema.schema import SCHEMA
from schema.subscription import SubscriptionRoot

# Root fields that take no permission, each with its reason.
OPEN_TO_ALL = {"viewer": "whoever is let in may know who they are; it tells nothing else"}

TYPES = {name: type_ for name, type_ in SCHEMA._schema.type_map.items() if not name.startswith("__")}


def described(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Everything of a type that GraphiQL shows a description of, by its coordinate. Scalars of GraphQL come along."""
    yield type_.name, type_.description
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}", field.description
            for argument, value in field.args.items():
                yield f"{type_.name}.{name}({argument}:)", value.description
    elif isinstance(type_, GraphQLInputObjectType):
        for name, each in type_.fields.items():
            yield f"{type_.name}.{name}", each.description
    elif isinstance(type_, GraphQLEnumType):
        for name, value in type_.values.items():
            yield f"{type_.name}.{name}", value.description
    else:
        assert isinstance(type_, GraphQLUnionType) or type_.name in SCALARS


SCALARS = {"Boolean", "DateTime", "Float", "ID", "Int", "JSON", "String"}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_everything_is_described_in_a_sentence(name: str) -> None:
    texts = dict(described(TYPES[name]))
    assert [place for place, text in texts.items() if not text] == []
    assert [
        place
        for place, text in texts.items()
        if text and name not in SCALARS and not text.rstrip().endswith((".", "?", "`", '"'))
    ] == []


@pytest.mark.parametrize("type_", [*SCHEMA.schema_converter.type_map], ids=str)
def test_every_field_is_declared(type_: str) -> None:
    """A plain Strawberry field would be resolved by attribute, unseen by permissions and by other executors."""
    definition = SCHEMA.schema_converter.type_map[type_].definition
    if not hasattr(definition, "fields") or getattr(definition, "is_input", True):
        return
    assert [each.python_name for each in definition.fields if not isinstance(each, DeclaredField)] == []


def test_every_root_field_takes_a_permission() -> None:
    roots = {type_: declared_fields(type_) for type_ in (Query, MutationRoot, SubscriptionRoot)}
    open_ = {name for fields in roots.values() for name, field in fields.items() if field.needs is None}
    assert open_ == set(OPEN_TO_ALL)


def test_every_list_has_a_size() -> None:
    """A list that is no page would count as one item, however many it has: 98 bytes of a query took 3 GB once."""
    wrong = {
        f"{name}.{field_name}"
        for name, type_ in TYPES.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for field_name, field in type_.fields.items()
        if is_list_type(get_nullable_type(field.type)) != (field.extensions[STRAWBERRY_DEFINITION_KEY].size is not None)
    }
    assert wrong == set()


def test_sizes_by_argument_name_arguments() -> None:
    sizes = {
        f"{name}.{field_name}": (size.argument, set(field.args))
        for name, type_ in TYPES.items()
        if isinstance(type_, GraphQLObjectType)
        for field_name, field in type_.fields.items()
        if isinstance(size := field.extensions[STRAWBERRY_DEFINITION_KEY].size, ArgumentSize)
    }
    assert sizes == {"Query.nodes": ("ids", {"ids"})}


def test_what_is_subscribed_to_is_a_stream_and_nothing_else_is() -> None:
    """A field of another kind would be asked once and never again; a stream elsewhere would be no answer."""
    streams = {
        f"{definition.name}.{field.python_name}"
        for converted in SCHEMA.schema_converter.type_map.values()
        if isinstance(definition := converted.definition, StrawberryObjectDefinition)
        for field in definition.fields
        if isinstance(field, DeclaredField) and isinstance(field.declaration, StreamDeclaration)
    }
    names = {f"Subscription.{name}" for name in declared_fields(SubscriptionRoot)}
    assert streams == names == {"Subscription.ask", "Subscription.changes"}


def test_permissions_are_spelled_alike() -> None:
    """`<plural noun>:<verb>`, and printed into the SDL beside the field."""
    needed = set()
    for converted in SCHEMA.schema_converter.type_map.values():
        for field in getattr(converted.definition, "fields", ()):
            if isinstance(field, DeclaredField) and field.needs is not None:
                needed.add(field.needs)
                (directive,) = field.directives
                assert vars(directive) == {"permission": field.needs}
    assert needed == {
        "ai-usage:read",
        "answers:ask",
        "changes:read",
        "configuration-item-classes:write",
        "changes:write",
        "configuration-items:read",
        "configuration-items:write",
        "consistency:read",
        "documents:read",
        "documents:write",
        "feed:read",
        "incidents:read",
        "incidents:write",
        "nodes:read",
        "relationship-types:write",
        "relationships:read",
        "relationships:write",
        "requirements:read",
        "requirements:write",
        "search:read",
        "teams:read",
        "teams:write",
        "users:read",
        "workflows:approve",
        "workflows:read",
        "workflows:run",
        "workflows:write",
    }


def test_links_may_be_null() -> None:
    """A lost store or a missing permission nulls the field that needs it, never its parent."""
    strict = []
    for converted in SCHEMA.schema_converter.type_map.values():
        definition = converted.definition
        if not isinstance(definition, StrawberryObjectDefinition):
            continue
        for field in definition.fields:
            if isinstance(field, DeclaredField) and field.needs is not None:
                graphql_name = SCHEMA.config.name_converter.get_graphql_name(field)
                type_ = TYPES[definition.name]
                assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
                if str(type_.fields[graphql_name].type).endswith("!"):
                    strict.append(f"{definition.name}.{graphql_name}")
    assert strict == []
