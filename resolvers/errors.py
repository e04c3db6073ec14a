"""Errors that are shown to callers; all others are masked.

ShownError               code
├── BadUserInput         BAD_USER_INPUT        a value that cannot be understood; names the argument
├── LimitExceeded        LIMIT_EXCEEDED        more than is allowed; names the limit and the allowed number
├── AccessError          UNAUTHENTICATED       no or invalid credentials; its tree: principals/errors.py
├── Forbidden            FORBIDDEN             a permission is missing; names it
├── SlowConsumer         STREAM_BEHIND         a stream was read too slowly and ends; names the cursor to continue from
├── StreamsUnavailable   STREAMS_UNAVAILABLE   streams are not available here; names the field to query instead
├── ValueUnreadable      VALUE_UNREADABLE      a stored value has no form in JSON; the field holds a substitute
├── PersistedQueryNotFound                     no document has this hash (schema/execution)
└── SourceLost           SOURCE_UNAVAILABLE    a store is unavailable or timed out; names the store
"""

from typing import ClassVar

from datasources.errors import SourceError, SourceResultTooLarge, SourceTimeout


class ShownError(Exception):
    """An error whose message and extensions are written for the caller."""

    code: ClassVar[str]

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        # graphql-core copies `extensions` of an original error into the response.
        self.extensions: dict[str, object] = {"code": self.code} | extensions


class BadUserInput(ShownError):
    """A value in the request is invalid."""

    code = "BAD_USER_INPUT"


class LimitExceeded(ShownError):
    """The request exceeds a limit."""

    code = "LIMIT_EXCEEDED"


class Forbidden(ShownError):
    """The principal lacks a permission."""

    code = "FORBIDDEN"


class ValueUnreadable(ShownError):
    """A stored value cannot be represented; the field is null or has the nearest value, other fields are unaffected."""

    code = "VALUE_UNREADABLE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stored value can't be shown: {reason}; replace it")


class SourceLost(ShownError):
    """A store did not answer; fields that need it are null, other fields are unaffected."""

    code = "SOURCE_UNAVAILABLE"

    @classmethod
    def from_error(cls, error: SourceError, remedy: str = "") -> "SourceLost":
        """Convert a failure of a store, with an optional remedy for the caller."""
        late = isinstance(error, SourceTimeout)
        message = f"{error.source} did not answer in time" if late else f"{error.source} is not available"
        shown = cls(f"{message}; {remedy}" if remedy else message, store=error.source, timeout=late)
        shown.__cause__ = error
        return shown


def result_too_large(error: SourceResultTooLarge) -> LimitExceeded:
    """Return the error for a response whose rows exceed the size limit."""
    shown = LimitExceeded(
        "the rows of this response contain too large documents or texts; request fewer rows, or use several requests",
        limit="bytes",
    )
    shown.__cause__ = error
    return shown


class SlowConsumer(ShownError):
    """Too many entries wait for a slow reader of a stream."""

    code = "STREAM_BEHIND"


class StreamsUnavailable(ShownError):
    """This deployment cannot keep streams open."""

    code = "STREAMS_UNAVAILABLE"
