"""An enum enters the schema with a sentence for each of its values, or not at all."""

from enum import StrEnum

import pytest
import strawberry
from graphql import GraphQLEnumType

from schema.declarations.enums import register_enum


class Colour(StrEnum):
    RED = "#f00"
    BLUE = "#00f"


def test_values_carry_their_own_sentence() -> None:
    register_enum(Colour, "A colour.", name="Paint", RED="Like blood.", BLUE="Like the sky.")

    @strawberry.type
    class Query:
        colour: Colour

    paint = strawberry.Schema(Query)._schema.type_map["Paint"]
    assert isinstance(paint, GraphQLEnumType)
    assert paint.description == "A colour."
    assert {name: value.description for name, value in paint.values.items()} == {
        "RED": "Like blood.",
        "BLUE": "Like the sky.",
    }


@pytest.mark.parametrize("sentences", [{"RED": "Like blood."}, {"RED": "Like blood.", "BLUE": ""}])
def test_a_value_without_a_sentence_is_refused(sentences: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^Colour has values without a description: BLUE\.$"):
        register_enum(Colour, "A colour.", **sentences)


def test_a_sentence_for_no_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Colour has no such values: GREEN\.$"):
        register_enum(Colour, "A colour.", RED="Like blood.", BLUE="Like the sky.", GREEN="Like grass.")
