"""Write problems."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.problems import writes as rows
from datasources.records.problems import ProblemRecord
from resolvers import validation
from resolvers.commands import ExpectedVersion, ProblemId
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, audit_snapshot

TABLE = "problems"
ENTITY = "PROBLEM"


class OpenProblem(Struct, frozen=True, kw_only=True):
    """A new problem."""

    key: Annotated[str, Meta(description="Its key, unique, for example `PRB0000042`. It cannot be changed.")]
    title: Annotated[str, Meta(description="Its title.")]
    description: Annotated[str, Meta(description="What is known of it.")] = ""


class UpdateProblem(Struct, frozen=True, kw_only=True):
    """New values of a problem. Omitted fields stay unchanged."""

    id: ProblemId
    expected_version: ExpectedVersion
    title: Annotated[str | UnsetType | None, Meta(description="Its title.")] = UNSET
    description: Annotated[str | UnsetType | None, Meta(description="What is known of it.")] = UNSET


async def open(write: Write, command: OpenProblem) -> Sequence[str]:
    """Return the new problem's id. Refused if its key is taken."""
    key = validation.require_name(command.key, "key")
    title = validation.require_name(command.title, "title")
    given = ProblemRecord(
        id=str(uuid7()),
        key=key,
        title=title,
        description=command.description,
        version=1,
        updated_at=datetime.now(UTC),
    )
    record = await rows.insert(write.transaction, given)
    if record is None:
        message = f"the key {key} is taken by another problem; choose another key"
        raise ValidationFailed(UserError(UserErrorCode.TAKEN, "key", message))
    write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record))
    return [record.id]


async def update(write: Write, command: UpdateProblem) -> Sequence[str]:
    """Update the problem."""
    current = await rows.lock(write.transaction, command.id)
    before = validation.require_version(current, "problem", command.expected_version)
    after = structs.replace(
        before,
        title=validation.require_name(validation.or_current(command.title, before.title, "title"), "title"),
        description=validation.or_current(command.description, before.description, "description"),
    )
    record = await rows.update(write.transaction, after)
    write.record_change(TABLE, ENTITY, record.id, audit_snapshot(before), audit_snapshot(record))
    return [record.id]
