"""Patterns of a mapping: RE2, with linear time, or Python's engine for features that RE2 lacks."""

import re
from typing import Any

import re2  # type: ignore[import-untyped]

from datasources.files.errors import MappingError

# Characters of a text that Python's engine may search: some patterns take exponential time.
MAX_CHARACTERS = 1_000
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 << 20


class Pattern:
    """A compiled pattern. Raises MappingError if it can't be used."""

    def __init__(self, text: str, place: str) -> None:
        self._limit: int | None = None
        try:
            self._compiled: Any = re2.compile(text, options=_OPTIONS)
        except re2.error:
            # Such as a look-ahead, which RE2 does not support.
            try:
                self._compiled = re.compile(text)
            except (re.error, RecursionError, OverflowError) as error:
                raise MappingError(f"{place} is not a pattern: {error}") from error
            self._limit = MAX_CHARACTERS
        self.groups = int(self._compiled.groups)

    def search(self, text: str) -> Any:
        """Return the first match in the text, or None."""
        return self._compiled.search(text if self._limit is None else text[: self._limit])
