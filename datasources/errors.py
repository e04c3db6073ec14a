"""What can go wrong in a source, drawn as a tree.

SourceError
├── SourceUnavailable      the store cannot be reached, or its breaker is open
│   └── SourceTimeout      it did not answer within the deadline
└── SourceRefused          it answered, and said no
    └── SourceRefusedValue a bound value is none of its column's type
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


class SourceRefused(SourceError):
    """The store answered and refused: wrong credentials, missing schema, broken constraint."""


class SourceRefusedValue(SourceRefused):
    """A bound value cannot be of its column's type: a number out of range, no moment in time, a NUL in text."""
