"""Failures of PostgreSQL and its driver as source errors: whose fault each class is, decided once.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from psycopg import DataError, Error, OperationalError, errors

from datasources.errors import (
    SourceConflict,
    SourceDuplicate,
    SourceError,
    SourceInvalidValue,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)

# By SQLSTATE, its first two characters where all of a class have one cause. The longest match decides.
_KINDS: dict[str, type[SourceError]] = {
    # 22 is what the caller said: out of range, no time, no such character, too long for its column.
    "22": SourceInvalidValue,
    # A row keeps a CHECK by its values, so a value breaks it: an empty key, an end before its start.
    "23514": SourceInvalidValue,
    # 54 is a limit that a value of the caller passes: a key too long for an index (54000), a text too long for a search
    # vector (54000), a document too deep for the stack (54001). Repeating would meet it again.
    "54": SourceInvalidValue,
    # Two transactions were in each other's way; the same work may pass at once.
    "40001": SourceConflict,
    "40P01": SourceConflict,
    # The deadline of a statement, or an administrator.
    "57014": SourceTimeout,
    # A writer became a reader: the name leads to the new writer in a while.
    "25006": SourceUnavailable,
    # 53 is the server's lack of memory, disk or connections; 57 and 58 its end or its disk; 08 the way there.
    "08": SourceUnavailable,
    "40": SourceUnavailable,
    "53": SourceUnavailable,
    "55": SourceUnavailable,
    "57": SourceUnavailable,
    "58": SourceUnavailable,
    # The rest is ours: wrong SQL (42), a missing right (42501), a foreign key that no use case looked at (23503).
}


def to_source_error(source: str, error: Error) -> SourceError:
    """The source error that says whose fault it is, without the values that the driver's message quotes."""
    kind = _kind(error)
    name = type(error).__name__
    if isinstance(error, errors.UniqueViolation):
        return SourceDuplicate(source, error.diag.constraint_name or "")
    if kind is SourceInvalidValue:
        return SourceInvalidValue(source, f"{source} refused a value: {name}")
    if kind is SourceTimeout:
        return SourceTimeout(source, f"{source} did not answer in time")
    if kind is SourceConflict:
        return SourceConflict(source, f"another transaction on {source} came in between")
    if kind is SourceUnavailable:
        return SourceUnavailable(source, f"{source} cannot be reached")
    return SourceRefused(source, f"{source} refused a statement: {name}")


def _kind(error: Error) -> type[SourceError]:
    state = error.sqlstate or ""
    for length in (5, 2):
        if (kind := _KINDS.get(state[:length])) is not None:
            return kind
    # Without a state it is the driver's own: a value that it can't write, or a connection that is lost.
    if isinstance(error, DataError):
        return SourceInvalidValue
    if isinstance(error, OperationalError):
        return SourceUnavailable
    return SourceRefused
