"""An unexpected exception in our own words: its type and where it was raised, without any value that it quotes."""

import traceback
from pathlib import Path

from datasources.errors import SourceError

ROOT = Path(__file__).resolve().parents[2]


def describe(error: BaseException) -> str:
    """For example `ValueError at resolvers/events/landscape.py:120`. Errors of sources have our own words already."""
    if isinstance(error, SourceError):
        return str(error)
    place = _place(error)
    return f"{type(error).__name__} at {place}" if place else type(error).__name__


def _place(error: BaseException) -> str:
    # The last frame of our own: what a library did there is in the traceback of the log.
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return ""
