"""Maps errors of PostgreSQL and its driver to source errors.

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

# By SQLSTATE, or its first two characters if a whole class has one cause. The longest match decides.
_KINDS: dict[str, type[SourceError]] = {
    # 22: invalid data of the caller, such as a value out of range, an invalid time, or a text too long for its column.
    "22": SourceInvalidValue,
    # Only values can violate a CHECK constraint: an empty key, an end before its start.
    "23514": SourceInvalidValue,
    # 54: a value exceeds a limit: a key too long for an index (54000), a text too long for a search vector (54000),
    # a document too deep for the stack (54001). A retry would fail again.
    "54": SourceInvalidValue,
    # Two transactions conflicted; the same work may succeed immediately.
    "40001": SourceConflict,
    "40P01": SourceConflict,
    # The deadline of a statement, or an administrator.
    "57014": SourceTimeout,
    # The writer has become a reader: the host name points to the new writer after a while.
    "25006": SourceUnavailable,
    # 53: the server lacks memory, disk or connections; 57 and 58: it ends or its disk fails; 08: the connection failed.
    "08": SourceUnavailable,
    "40": SourceUnavailable,
    "53": SourceUnavailable,
    "55": SourceUnavailable,
    "57": SourceUnavailable,
    "58": SourceUnavailable,
    # All others are our errors: wrong SQL (42), a missing privilege (42501), an unchecked foreign key (23503).
}


def to_source_error(source: str, error: Error) -> SourceError:
    """Return the source error for a driver error, without the values that the driver's message quotes."""
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
    # Without a SQLSTATE it is the driver's own error: a value that it can't encode, or a lost connection.
    if isinstance(error, DataError):
        return SourceInvalidValue
    if isinstance(error, OperationalError):
        return SourceUnavailable
    return SourceRefused
