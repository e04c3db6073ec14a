"""An answer may be kept if and only if every root field of its document is declared so, however it is written."""

from typing import Any

import strawberry
from graphql import GraphQLObjectType, OperationType, get_named_type, is_leaf_type, parse
from hypothesis import given
from hypothesis import strategies as st

from schema.declarations.fields import AttributeDeclaration, attribute, field
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.executor import DEFINITION
from schema.keeping import MOST_SECONDS, seconds_kept

assert GRAPHQL_SCHEMA.query_type is not None
ROOTS = GRAPHQL_SCHEMA.query_type.fields
INTROSPECTION = ("__typename", "__schema { types { name } }", '__type(name: "Incident") { name }')
CONDITIONS = ("", " @skip(if: true)", " @skip(if: false)", " @include(if: $on)", " @skip(if: $on) @include(if: $on)")
SECONDS = st.sampled_from([1, 20, 60, 300])


def below(name: str) -> list[str]:
    """What may be selected of a root field: what its record holds, and what it takes more to know."""
    type_ = get_named_type(ROOTS[name].type)
    found = ["__typename"]
    if isinstance(type_, GraphQLObjectType):
        found += [each for each, declared in type_.fields.items() if is_leaf_type(get_named_type(declared.type))]
    return found


def is_attribute(name: str, selected: str) -> bool:
    if selected == "__typename":
        return True
    type_ = get_named_type(ROOTS[name].type)
    assert isinstance(type_, GraphQLObjectType)
    return isinstance(type_.fields[selected].extensions[DEFINITION].declaration, AttributeDeclaration)


@st.composite
def selections(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """A document over root fields, and those that it names with what it selects of each. Not all need be valid."""
    named: list[tuple[str, str]] = []
    written: list[str] = []
    fragments: list[str] = []
    for index in range(draw(st.integers(1, 5))):
        condition = draw(st.sampled_from(CONDITIONS))
        if draw(st.integers(0, 3)) == 0:
            text = draw(st.sampled_from(INTROSPECTION))
        else:
            name = draw(st.sampled_from(sorted(ROOTS)))
            selected = draw(st.sampled_from(below(name)))
            named.append((name, selected))
            text = f"a{index}: {name}{condition} {{ {selected} }}"
        shape = draw(st.sampled_from(["plain", "inline", "typed", "fragment", "twice"]))
        match shape:
            case "inline":
                text = f"...{condition} {{ {text} }}"
            case "typed":
                text = f"... on Query{condition} {{ {text} }}"
            case "fragment" | "twice":
                fragments.append(f"fragment f{index} on Query {{ {text} }}")
                text = f"...f{index}" if shape == "fragment" else f"...f{index} ... {{ ...f{index} }}"
        written.append(text)
    other = draw(st.sampled_from(["", "query Other { viewer { name } }", "mutation Other { __typename }"]))
    return f"query Q($on: Boolean!) {{ {' '.join(written)} }} {' '.join(fragments)} {other}", named


@given(selections(), st.dictionaries(st.sampled_from(sorted(ROOTS)), SECONDS, max_size=len(ROOTS)))
def test_kept_if_and_only_if_every_root_is_declared_so(
    document: tuple[str, list[tuple[str, str]]], declared: dict[str, int]
) -> None:
    text, named = document
    was = {name: root.extensions[DEFINITION].kept_seconds for name, root in ROOTS.items()}
    try:
        for name, root in ROOTS.items():
            root.extensions[DEFINITION].kept_seconds = declared.get(name, 0)
        expected = MOST_SECONDS
        for name, selected in named:
            seconds = declared.get(name, 0) if is_attribute(name, selected) else 0
            expected = min(expected, seconds)
        assert seconds_kept(parse(text), "Q") == expected
    finally:
        for name, root in ROOTS.items():
            root.extensions[DEFINITION].kept_seconds = was[name]


@given(selections(), st.sampled_from([each for each in OperationType if each is not OperationType.QUERY]))
def test_what_writes_or_listens_is_never_kept(document: tuple[str, list[tuple[str, str]]], kind: OperationType) -> None:
    text, _ = document
    assert seconds_kept(parse(text.replace("query Q", f"{kind.value} Q", 1)), "Q") == 0


@given(selections())
def test_as_it_is_declared_today_only_what_the_schema_says_of_itself_is_kept(
    document: tuple[str, list[tuple[str, str]]],
) -> None:
    text, named = document
    assert seconds_kept(parse(text), "Q") == (0 if named else MOST_SECONDS)


def test_the_keyword_stands_where_the_field_is_declared_and_a_root_value_is_kept_no_more_than_others() -> None:
    @strawberry.type
    class Root:
        words: str = field(lambda *_: "x", "Some words.", needs=None, kept_seconds=30)
        others: str = field(lambda *_: "x", "Other words.", needs=None)
        value: str = attribute("A value of the root.")

    schema = strawberry.Schema(Root)._schema
    documents = ("{ words }", "{ others }", "{ value }", "{ words value }", "{ __typename words }")
    assert [seconds_kept(parse(each), None, schema) for each in documents] == [30, 0, 0, 0, 30]


def test_a_document_that_does_not_say_which_operation_runs_is_not_kept() -> None:
    both = parse("query A { __typename } query B { __typename }")
    found: list[Any] = [seconds_kept(both, name) for name in (None, "A", "C")]
    assert found == [0, MOST_SECONDS, 0]
