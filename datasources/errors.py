"""Errors of sources, as a tree.

SourceError
├── SourceUnavailable        the store cannot be reached, or its circuit breaker is open
│   ├── SourceTimeout        the store did not answer within the deadline
│   └── SourceConflict       the transaction was rolled back because of another one
├── SourceResultTooLarge     the result is larger than one call may read
└── SourceRefused            the store answered and refused
    ├── SourceInvalidValue   a value does not fit its column, its index or a search vector
    └── SourceDuplicate      a unique key exists already
"""


class SourceError(Exception):
    """A source failed. `source` is its name: main, requirements, graph or cache."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(message)
        self.source = source


class SourceUnavailable(SourceError):
    """The store cannot be reached now; the same request may succeed later."""


class SourceTimeout(SourceUnavailable):
    """The store did not answer before the request's deadline."""


class SourceConflict(SourceUnavailable):
    """The store rolled back because of another transaction; the same work may succeed immediately."""


class SourceResultTooLarge(SourceError):
    """The result has more bytes than one call may read."""


class SourceRefused(SourceError):
    """The store answered and refused: wrong credentials, missing schema, violated constraint."""


class SourceInvalidValue(SourceRefused):
    """A value does not fit its column, its index or a search vector: a number out of range, an invalid time, a NUL
    character in text, or a text that is too long. A retry would fail again."""


class SourceDuplicate(SourceRefused):
    """A unique key exists already; `constraint` is its name."""

    def __init__(self, source: str, constraint: str) -> None:
        super().__init__(source, f"{source} has such a row already: {constraint}")
        self.constraint = constraint
