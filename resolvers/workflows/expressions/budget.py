"""The budget of one evaluation: units of work, processor time, and compiled patterns."""

import time

import re2  # type: ignore[import-untyped]

from resolvers.workflows.expressions.errors import InvalidExpression

# The limit of processor time for one evaluation: protects against work that is not charged. All work that can be
# charged takes a fifth of it on an idle machine.
CPU_SECONDS = 1.0
# Units between two checks of that time, since each check is a system call.
_CLOCK_UNITS = 256

# Characters that one unit compares or searches.
_CHARACTERS = 1_000
# Characters that one unit copies; fewer, because of memory: a character may have 4 bytes.
_COPIED = 200
# In characters, for a text that an expression creates.
MAX_TEXT_LENGTH = 65_536
# In characters, for the text and the pattern of `matches`.
MAX_MATCHED_LENGTH = 4_096
MAX_PATTERN_LENGTH = 1_000
# Members of a list that `+` creates.
MAX_LIST_LENGTH = 10_000
# Maximum number of instructions of a pattern. Matching costs one unit for each _STEPS of (instructions times bytes of
# text): RE2 takes up to 20 ns for each where it falls back to its NFA.
MAX_INSTRUCTIONS = 2_500
_STEPS = 500
# Units to compile a pattern; plus one for each _INSTRUCTIONS of its instructions.
_COMPILED = 20
_INSTRUCTIONS = 10
# Units for an invalid pattern, which may be detected late.
_REFUSED = 4_000
# Compiled patterns that are cached during an evaluation: each may use `max_mem` bytes.
_PATTERNS = 4

# RE2 caches the states of its DFA within these bytes, and falls back to the NFA if they do not fit: with 1 MB that
# happened for every second text and took 200 times as long. A larger bound delays the detection of bad patterns.
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 2 << 20


class Budget:
    """The remaining work of an evaluation. Raises InvalidExpression when it is used up."""

    __slots__ = ("_clock_at", "_left", "_patterns", "_started", "_work")

    def __init__(self, work: int) -> None:
        self._work = self._left = work
        self._started = time.thread_time()
        self._clock_at = work - _CLOCK_UNITS
        self._patterns: dict[str, re2._Regexp] = {}

    @property
    def spent(self) -> int:
        """The used units, at most the granted ones."""
        return self._work - max(0, self._left)

    def spend(self, amount: int = 1) -> None:
        """Charge work."""
        self._left -= amount
        if self._left < 0:
            raise InvalidExpression("it takes too much work; use fewer items, or less data of each")
        if self._left < self._clock_at:
            self._clock_at = self._left - _CLOCK_UNITS
            if time.thread_time() - self._started > CPU_SECONDS:
                raise InvalidExpression("it takes too much time; use fewer items, or less data of each")

    def read(self, *values: object) -> None:
        """Charge for comparing or searching texts; other values cost nothing here."""
        self.spend(sum(len(each) // _CHARACTERS for each in values if isinstance(each, str)))

    def copy(self, *values: object) -> None:
        """Charge for copying texts; other values cost nothing here."""
        self.spend(sum(len(each) // _COPIED for each in values if isinstance(each, str)))

    def matches(self, text: str, pattern: str) -> bool:
        """Whether the pattern matches a part of the text. Raises re2.error for an invalid pattern."""
        if len(text) > MAX_MATCHED_LENGTH:
            raise InvalidExpression(f"matches accepts a text of at most {MAX_MATCHED_LENGTH:,} characters")
        compiled, encoded = self._compiled(pattern), text.encode()
        self.spend(1 + len(encoded) * compiled.programsize // _STEPS)
        return compiled.search(encoded) is not None

    def close(self) -> None:
        """Release the patterns and the library's cache of them: their automata may be large."""
        if self._patterns:
            self._patterns.clear()
            re2.purge()

    def _compiled(self, pattern: str) -> "re2._Regexp":
        regexp = self._patterns.get(pattern)
        if regexp is None:
            if len(pattern) > MAX_PATTERN_LENGTH:
                raise InvalidExpression(f"a pattern of matches has at most {MAX_PATTERN_LENGTH:,} characters")
            try:
                regexp = re2.compile(pattern.encode(), _OPTIONS)
            except re2.error:
                self.spend(_REFUSED)
                raise
            self.spend(_COMPILED + regexp.programsize // _INSTRUCTIONS)
            if regexp.programsize > MAX_INSTRUCTIONS:
                raise InvalidExpression("a pattern of matches is too large; use fewer repetitions")
            while len(self._patterns) >= _PATTERNS:
                del self._patterns[next(iter(self._patterns))]
                re2.purge()
            self._patterns[pattern] = regexp
        return regexp
