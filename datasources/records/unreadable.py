"""What stands in a record for a stored value that Python or JSON has no form for."""

from msgspec import Struct


class UnreadableValue(Struct, frozen=True, array_like=True, tag="unreadable"):
    """A document or a time that an earlier version, or somebody by SQL, stored and that can't be shown.

    The row is read all the same: whoever shows the value reports `reason`, whoever writes the row leaves the stored
    value as it is or replaces it as a whole. It stands in columns of times as well, whose annotations say `datetime`.
    """

    reason: str
