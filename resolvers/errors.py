"""What a caller may be told, drawn as a tree. Anything else is masked.

ShownError               code
├── BadUserInput         BAD_USER_INPUT        a value that cannot be understood; names the argument
├── LimitExceeded        LIMIT_EXCEEDED        more than is allowed; names the limit and the allowed number
├── AccessError          UNAUTHENTICATED       no or unusable credentials; its tree: principals/errors.py
├── Forbidden            FORBIDDEN             a permission is missing; names it
├── StreamBehind         STREAM_BEHIND         a stream was read too slowly and ends; names the cursor to go on from
├── StreamsUnavailable   STREAMS_UNAVAILABLE   streams are not served here; names the field to ask instead
├── ValueUnreadable      VALUE_UNREADABLE      a stored value has no form in JSON; the field holds a substitute
├── PersistedQueryNotFound                     no document of this hash is known (schema/execution)
└── SourceLost           SOURCE_UNAVAILABLE    a store is away or late; names the store
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
    """A value of the request cannot be understood."""

    code = "BAD_USER_INPUT"


class LimitExceeded(ShownError):
    """The request asks for more than is allowed."""

    code = "LIMIT_EXCEEDED"


class Forbidden(ShownError):
    """The principal lacks a permission."""

    code = "FORBIDDEN"


class ValueUnreadable(ShownError):
    """A stored value can't be shown; the field is null or the nearest value, and the rest of the answer stands."""

    code = "VALUE_UNREADABLE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stored value can't be shown: {reason}; replace it")


class SourceLost(ShownError):
    """A store did not answer; what needs it is null, the rest of the answer stands."""

    code = "SOURCE_UNAVAILABLE"

    @classmethod
    def from_error(cls, error: SourceError, remedy: str = "") -> "SourceLost":
        """What a caller is told of a store's failure, and what to do."""
        late = isinstance(error, SourceTimeout)
        message = f"{error.source} did not answer in time" if late else f"{error.source} is not available"
        told = cls(f"{message}; {remedy}" if remedy else message, store=error.source, timeout=late)
        told.__cause__ = error
        return told


def result_too_large(error: SourceResultTooLarge) -> LimitExceeded:
    """What a caller is told whose answer has larger rows than one may have."""
    told = LimitExceeded(
        "the rows of this answer have too large documents or texts; ask for fewer rows, or in several requests",
        limit="bytes",
    )
    told.__cause__ = error
    return told


class SlowConsumer(ShownError):
    """More waits for the reader of a stream than is kept for it."""

    code = "STREAM_BEHIND"


class StreamsUnavailable(ShownError):
    """This deployment answers and ends; it keeps no stream open."""

    code = "STREAMS_UNAVAILABLE"
