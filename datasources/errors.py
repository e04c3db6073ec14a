"""What can go wrong in a source, drawn as a tree.

SourceError
├── SourceUnavailable      the store cannot be reached, or its breaker is open
│   ├── SourceTimeout      it did not answer within the deadline
│   └── SourceConflict     two transactions waited for each other, and this one gave way
├── SourceTooLarge         it has more than one call may read
└── SourceRefused          it answered, and said no
    ├── SourceRefusedValue a bound value has no place in its column, its index or a search vector
    └── SourceDuplicate    a unique key is taken
"""


class SourceError(Exception):
    """A source failed. `source` names it: main, requirements, graph or cache."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(message)
        self.source = source


class SourceUnavailable(SourceError):
    """The store cannot be reached now; the same request may pass later."""


class SourceTimeout(SourceUnavailable):
    """The store did not answer before the request's deadline."""


class SourceConflict(SourceUnavailable):
    """The store rolled back for the sake of another transaction; the same work may pass at once."""


class SourceResultTooLarge(SourceError):
    """What was asked for has more bytes than one call may read."""


class SourceRefused(SourceError):
    """The store answered and refused: wrong credentials, missing schema, broken constraint."""


class SourceInvalidValue(SourceRefused):
    """A bound value has no place in its column, its index or a search vector: a number out of range, no moment in time,
    a NUL in text, a text too long. The same call would be refused again."""


class SourceDuplicate(SourceRefused):
    """A unique key is taken. `constraint` names it."""

    def __init__(self, source: str, constraint: str) -> None:
        super().__init__(source, f"{source} holds such a row already: {constraint}")
        self.constraint = constraint
