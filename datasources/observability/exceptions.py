"""Unexpected exceptions in our own words, without any value that they quote, and their lines in the log."""

import logging
import traceback
from pathlib import Path

from datasources.errors import SourceError
from datasources.observability.metrics import MetricValues

ROOT = Path(__file__).resolve().parents[2]


def describe(error: BaseException) -> str:
    """For example `ValueError at resolvers/search/use_cases.py:12`. Errors of sources have our own words already."""
    if isinstance(error, SourceError):
        return str(error)
    place = _location(error)
    return f"{type(error).__name__} at {place}" if place else type(error).__name__


def report(log: logging.Logger, line: str, error: BaseException, worker: str, count: int = 1, **told: object) -> None:
    """One line with the traceback for what a worker set aside, `count` pieces of its work alike."""
    measured = MetricValues({"WorkerFailures": count}, worker=worker)
    extra = {"worker": worker, "problem": describe(error), "count": count, **told, "measured": measured}
    log.error(line, extra=extra, exc_info=error)


def _location(error: BaseException) -> str:
    # The last frame of our own: what a library did there is in the traceback of the log.
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return ""
