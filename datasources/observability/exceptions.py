"""Describes unexpected exceptions without the values that their messages quote, and logs them."""

import logging
import traceback
from pathlib import Path

from datasources.errors import SourceError
from datasources.observability.metrics import MetricValues

ROOT = Path(__file__).resolve().parents[2]


def describe(error: BaseException) -> str:
    """Describe an error, for example `ValueError at resolvers/search/use_cases.py:12`.

    The messages of SourceError are our own and safe, so they are returned unchanged.
    """
    if isinstance(error, SourceError):
        return str(error)
    place = _location(error)
    return f"{type(error).__name__} at {place}" if place else type(error).__name__


def report(log: logging.Logger, line: str, error: BaseException, worker: str, count: int = 1, **fields: object) -> None:
    """Log an error with its traceback, for `count` items that a worker set aside. `fields` are added to the line."""
    measured = MetricValues({"WorkerFailures": count}, worker=worker)
    extra = {"worker": worker, "problem": describe(error), "count": count, **fields, "measured": measured}
    log.error(line, extra=extra, exc_info=error)


def _location(error: BaseException) -> str:
    # The last frame in our own code; the frames of libraries are in the traceback of the log.
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return ""
