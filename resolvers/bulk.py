"""Bulk commands: items of one kind in one call, all or nothing or item by item, with errors by index."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write

# In one call. Each item writes an audit entry and an outbox row in the same transaction.
MAX_BULK_ITEMS = 1_000


class BulkMode(StrEnum):
    """Whether one invalid item rejects the whole call or only itself."""

    ALL_OR_NOTHING = "ALL_OR_NOTHING"
    PER_ITEM = "PER_ITEM"


@dataclass(slots=True)
class ItemErrors:
    """User errors of the items of an input, by index.

    `list_field` is the name of the list in the input. If it is None there is a single command, and errors name its own
    fields.
    """

    list_field: str | None = None
    _found: dict[int, list[UserError]] = field(default_factory=dict)

    def add(self, index: int, code: UserErrorCode, name: str | None, message: str) -> None:
        """Add an error of the item at `index`; `name` is the field, or None for the whole item."""
        if self.list_field is not None:
            name = f"{self.list_field}.{index}" + ("" if name is None else f".{name}")
        # Errors are stored for idempotent repetitions, and PostgreSQL cannot store NUL.
        self._found.setdefault(index, []).append(UserError(code, name, message.replace("\0", "\ufffd")))

    def is_valid(self, index: int) -> bool:
        """Whether the item has no errors so far."""
        return index not in self._found

    def report_to(self, write: Write, mode: BulkMode) -> None:
        """Add the errors to the write, in order of index. Raises ValidationFailed in mode ALL_OR_NOTHING."""
        errors = [error for index in sorted(self._found) for error in self._found[index]]
        if errors and mode is BulkMode.ALL_OR_NOTHING:
            raise ValidationFailed(*errors)
        write.add_user_errors(errors)


def check_count(items: Sequence[Any]) -> None:
    """Raise ValidationFailed if a call has too many items."""
    if len(items) > MAX_BULK_ITEMS:
        message = f"there are {len(items):,} items; send at most {MAX_BULK_ITEMS:,} in one call"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, "items", message))
