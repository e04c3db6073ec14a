"""Introspection is read by clients that know the current specification and nothing of its drafts."""

from graphql import introspection_from_schema, specified_directives

from schema.execution.document_cache import GRAPHQL_SCHEMA

# https://spec.graphql.org/September2025/#ExecutableDirectiveLocation and #TypeSystemDirectiveLocation
LOCATIONS = {
    "QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION", "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE",
    "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION",
}  # fmt: skip


def test_directives_have_the_locations_of_the_specification() -> None:
    directives = introspection_from_schema(GRAPHQL_SCHEMA)["__schema"]["directives"]
    found = {each["name"]: set(map(str, each["locations"])) for each in directives}
    assert set(found) == {each.name for each in specified_directives} | {"needs"}
    assert set().union(*found.values()) <= LOCATIONS
    assert found["deprecated"] == {"FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INPUT_FIELD_DEFINITION", "ENUM_VALUE"}
    assert GRAPHQL_SCHEMA.get_directive("deprecated") in GRAPHQL_SCHEMA.directives
