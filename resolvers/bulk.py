"""Many of one kind in one call: all of them or each on its own, every broken rule with its place in the input."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write

# Items of one call. Their audit entries and outbox rows are as many, all in one transaction.
MAX_BULK_ITEMS = 1_000


class BulkMode(StrEnum):
    """What becomes of the others when a rule is broken by one."""

    ALL_OR_NOTHING = "ALL_OR_NOTHING"
    PER_ITEM = "PER_ITEM"


@dataclass(slots=True)
class ItemErrors:
    """Broken rules of the items of an input, each under its index.

    `place` is the list's name in the input; without one there is a single command, and errors name its own fields.
    """

    list_field: str | None = None
    _found: dict[int, list[UserError]] = field(default_factory=dict)

    def add(self, index: int, code: UserErrorCode, name: str | None, message: str) -> None:
        """Item `index` breaks a rule about its field `name`; None for all of it."""
        if self.list_field is not None:
            name = f"{self.list_field}.{index}" + ("" if name is None else f".{name}")
        # Kept for repeated calls, and a database has no place for NUL.
        self._found.setdefault(index, []).append(UserError(code, name, message.replace("\0", "\ufffd")))

    def is_valid(self, index: int) -> bool:
        """Whether no rule is broken by this item so far."""
        return index not in self._found

    def report_to(self, write: Write, mode: BulkMode) -> None:
        """Tell them, in order of index. Refused if any was found and all or nothing is to be done."""
        errors = [error for index in sorted(self._found) for error in self._found[index]]
        if errors and mode is BulkMode.ALL_OR_NOTHING:
            raise ValidationFailed(*errors)
        write.add_user_errors(errors)


def check_count(items: Sequence[Any]) -> None:
    """Refused for more items than one call may hold."""
    if len(items) > MAX_BULK_ITEMS:
        message = f"there are {len(items):,} items; send at most {MAX_BULK_ITEMS:,} in one call"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, "items", message))
