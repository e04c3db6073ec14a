"""User errors name fields as clients write them."""

import pytest

from resolvers.unit_of_work import UserError, UserErrorCode
from schema.declarations.user_errors import camel_case, field_path, message_text


def error(field: str | None, message: str = "x") -> UserError:
    return UserError(UserErrorCode.INVALID, field, message)


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (None, None),
        ("title", "title"),
        ("team_id", "teamId"),
        ("items.17.type_key", "items.17.typeKey"),
        ("configuration_item_ids.2", "configurationItemIds.2"),
        ("steps.0.depends_on", "steps.0.dependsOn"),
        # An error that an earlier version stored with an idempotency key.
        ("items.3.ownerTeamId", "items.3.ownerTeamId"),
        # A name that a user gave.
        ("steps.0.remediation.inputs.new_size", "steps.0.remediation.inputs.new_size"),
        ("inputs.3.default", "inputs.3.default"),
    ],
)
def test_fields_are_in_camel_case(field: str | None, shown: str | None) -> None:
    assert field_path(error(field)) == shown


@pytest.mark.parametrize(
    ("field", "message", "shown"),
    [
        ("resolution_code", "resolution_code is empty; enter a text", "resolutionCode is empty; enter a text"),
        ("inverse_label", "the inverse_label is empty; enter a text", "the inverseLabel is empty; enter a text"),
        # The name of a class, not of the field.
        ("class_key", "there is no class class_key; see `classes`", "there is no class class_key; see `classes`"),
        ("name", "the name is empty; enter a text", "the name is empty; enter a text"),
        (None, "team_id", "team_id"),
    ],
)
def test_a_message_that_begins_with_the_field_has_its_name(field: str | None, message: str, shown: str) -> None:
    assert message_text(error(field, message)) == shown


def test_names_in_camel_case() -> None:
    assert [camel_case(each) for each in ("id", "expected_version", "expectedVersion", "a_1")] == [
        "id", "expectedVersion", "expectedVersion", "a1",
    ]  # fmt: skip
