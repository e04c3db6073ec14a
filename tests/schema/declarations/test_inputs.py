"""Inputs of commands: their SDL, and the conversion of their values."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import pytest
import strawberry
from msgspec import UNSET as LEFT_OUT
from msgspec import Meta, Struct, UnsetType, field
from strawberry.types.unset import UNSET

from resolvers.commands import ExpectedVersion, TeamId, UserId
from resolvers.errors import BadUserInput
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed
from schema.declarations.enums import register_enum
from schema.declarations.inputs import input_of, single_fields

UUID = "01931f0a-5b6c-7d8e-9fa0-b1c2d3e4f506"
OTHER = "01931f0a-5b6c-7d8e-9fa0-b1c2d3e4f507"


class Size(StrEnum):
    SMALL = "small"


register_enum(Size, "A size.", SMALL="Small.")


class Part(Struct, frozen=True, kw_only=True):
    """One part."""

    class_key: Annotated[str, Meta(description="Its class.")] = field(name="class", default="a")
    user_ids: Annotated[tuple[UserId, ...], Meta(description="Its users.")] = ()


class RepairThing(Struct, frozen=True, kw_only=True):
    """The thing to repair, with
    a long description."""

    id: TeamId
    expected_version: ExpectedVersion
    size: Annotated[Size, Meta(description="Its size.")] = Size.SMALL
    team_id: Annotated[TeamId | UnsetType | None, Meta(description="Its team.")] = LEFT_OUT
    at: Annotated[datetime | None, Meta(description="When.")] = None
    labels: Annotated[dict[str, Any] | UnsetType | None, Meta(description="Its labels.")] = LEFT_OUT
    extra: Annotated[Any, Meta(description="Any JSON.")] = LEFT_OUT
    part: Annotated[Part | None, Meta(description="One part.")] = None
    parts: Annotated[tuple[Part, ...] | UnsetType | None, Meta(description="Its parts.")] = LEFT_OUT


def given(**values: Any) -> Any:
    """The object that strawberry builds for an input."""
    return input_of(RepairThing, idempotent=True).type(**values)


def convert(**values: Any) -> Struct:
    command: Struct = input_of(RepairThing, idempotent=True).convert(given(**values), "")
    return command


def part(**values: Any) -> Any:
    return input_of(Part).type(**values)


def test_the_sdl_of_an_input() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def repair(self, input: input_of(RepairThing, idempotent=True).type) -> int:  # type: ignore[valid-type]
            return 0

    sdl = strawberry.Schema(Query).as_str()
    assert (
        sdl[sdl.index('"""One part."""') : sdl.index("type Query")]
        == '''"""One part."""
input PartInput {
  """Its class."""
  class: String! = "a"

  """Its users."""
  userIds: [ID!]! = []
}

'''
    )
    start = sdl.index('"""The thing to repair')
    assert [line.strip() for line in sdl[start : sdl.index("}", start)].splitlines() if line.strip()] == [
        '"""The thing to repair, with a long description."""',
        "input RepairThingInput {",
        '"""Its global id."""',
        "id: ID!",
        '"""',
        "The version that you last read. If the current version differs, the error is CONFLICT.",
        '"""',
        "expectedVersion: Int!",
        '"""',
        "Makes the call safe to repeat for 24 hours: a call with the same key and input is executed only once.",
        '"""',
        "idempotencyKey: String = null",
        '"""Its size."""',
        "size: Size! = SMALL",
        '"""Its team."""',
        "teamId: ID",
        '"""When."""',
        "at: DateTime = null",
        '"""Its labels."""',
        "labels: JSON",
        '"""Any JSON."""',
        "extra: JSON",
        '"""One part."""',
        "part: PartInput = null",
        '"""Its parts."""',
        "parts: [PartInput!]",
    ]


def test_omitted_fields_have_their_defaults() -> None:
    assert convert(id=f"team_{UUID}", expected_version=3) == RepairThing(id=UUID, expected_version=3)


def test_values_are_converted_by_type() -> None:
    command = convert(
        id=f"team_{UUID}",
        expected_version=3,
        team_id=None,
        labels={"a_b": [1]},
        part=part(class_key="b"),
        parts=[part(user_ids=[f"user_{UUID}", f"user_{OTHER}"])],
    )
    assert command == RepairThing(
        id=UUID,
        expected_version=3,
        team_id=None,
        labels={"a_b": [1]},
        part=Part(class_key="b"),
        parts=(Part(user_ids=(UUID, OTHER)),),
    )


def test_an_id_of_another_type_is_a_user_error_with_its_path() -> None:
    with pytest.raises(ValidationFailed) as refused:
        convert(id=f"team_{UUID}", expected_version=1, parts=[part(), part(user_ids=[f"user_{UUID}", f"ci_{UUID}"])])
    message = f"ci_{UUID} is not an id that begins with user_"
    assert refused.value.errors == (UserError(UserErrorCode.INVALID, "parts.1.user_ids.1", message),)


def test_a_malformed_id_names_its_argument_as_clients_write_it() -> None:
    with pytest.raises(BadUserInput) as refused:
        convert(id=f"team_{UUID}", expected_version=1, parts=[part(user_ids=["nobody"])])
    assert refused.value.extensions["argument"] == "parts.0.userIds.0"


def test_lists_of_commands_are_not_single_fields() -> None:
    assert single_fields(RepairThing) == (
        "id", "expected_version", "size", "team_id", "at", "labels", "extra", "part",
    )  # fmt: skip
    assert single_fields(Part) == ("class_key", "user_ids")


def test_a_command_and_its_fields_need_descriptions() -> None:
    class Bare(Struct):
        """A command."""

        title: str

    class Undescribed(Struct):
        title: Annotated[str, Meta(description="Its title.")]

    with pytest.raises(ValueError, match="the field title of Bare has no description"):
        input_of(Bare)
    with pytest.raises(ValueError, match="Undescribed has no docstring, which describes its input"):
        input_of(Undescribed)


def test_only_inputs_of_mutations_have_an_idempotency_key() -> None:
    assert not hasattr(part(), "idempotency_key")
    assert given(id="x", expected_version=1).idempotency_key is None
    assert given(id="x", expected_version=1).team_id is UNSET
