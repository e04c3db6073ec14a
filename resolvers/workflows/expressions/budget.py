"""The work that one evaluation may do: what was spent of it, the time that it took, the patterns that it compiled."""

import time

import re2  # type: ignore[import-untyped]

from resolvers.workflows.expressions.errors import InvalidExpression

# Seconds of processor time of one evaluation, whatever was spent: a guard against work that is not charged. What is
# charged takes a fifth of it on an idle machine.
CPU_SECONDS = 1.0
# Units between two looks at that time; each is a call of the system.
_CLOCK_UNITS = 256

# Characters that one unit compares or searches, and that it copies, where memory counts: a character may have 4 bytes.
_CHARACTERS, _COPIED = 1_000, 200
# Characters of a text that an expression makes, and of a text and a pattern that `matches` takes; members of a list
# that `+` makes.
MAX_TEXT_LENGTH, MAX_MATCHED_LENGTH, MAX_PATTERN_LENGTH, MAX_LIST_LENGTH = 65_536, 4_096, 1_000, 10_000
# Instructions of a pattern, and how many of them times bytes of text cost one unit: RE2 takes up to 20 ns for each
# where it falls back to its automaton without states.
MAX_INSTRUCTIONS = 2_500
_STEPS = 500
# Units of a pattern that compiles, those for each so many instructions of it, and of one that does not, which may be
# found out late.
_COMPILED, _INSTRUCTIONS, _REFUSED = 20, 10, 4_000
# Patterns kept for an evaluation: each may hold a cache of `max_mem` bytes.
_PATTERNS = 4

# RE2 keeps the states of its automaton within these bytes, and goes on without states where they do not fit: with 1 MB
# that happened for each second text and took 200 times as long. A larger bound lets a bad pattern be found out later.
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 2 << 20


class Budget:
    """The work that an evaluation may still do. BadExpression when it is spent."""

    __slots__ = ("_clock_at", "_left", "_patterns", "_started", "_work")

    def __init__(self, work: int) -> None:
        self._work = self._left = work
        self._started = time.thread_time()
        self._clock_at = work - _CLOCK_UNITS
        self._patterns: dict[str, re2._Regexp] = {}

    @property
    def spent(self) -> int:
        """Units that were used, at most those that were given."""
        return self._work - max(0, self._left)

    def spend(self, amount: int = 1) -> None:
        """So much was done."""
        self._left -= amount
        if self._left < 0:
            raise InvalidExpression("it takes too much work; look at fewer items, or at less of each")
        if self._left < self._clock_at:
            self._clock_at = self._left - _CLOCK_UNITS
            if time.thread_time() - self._started > CPU_SECONDS:
                raise InvalidExpression("it takes too much time; look at fewer items, or at less of each")

    def read(self, *values: object) -> None:
        """Texts are compared or searched; other values cost nothing here."""
        self.spend(sum(len(each) // _CHARACTERS for each in values if isinstance(each, str)))

    def copy(self, *values: object) -> None:
        """Texts are copied; other values cost nothing here."""
        self.spend(sum(len(each) // _COPIED for each in values if isinstance(each, str)))

    def matches(self, text: str, pattern: str) -> bool:
        """Whether a text holds the pattern. re2.error if it is none."""
        if len(text) > MAX_MATCHED_LENGTH:
            raise InvalidExpression(f"matches takes a text of at most {MAX_MATCHED_LENGTH:,} characters")
        compiled, encoded = self._compiled(pattern), text.encode()
        self.spend(1 + len(encoded) * compiled.programsize // _STEPS)
        return compiled.search(encoded) is not None

    def close(self) -> None:
        """Give up the patterns, and the library's hold on them: their automata may have grown."""
        if self._patterns:
            self._patterns.clear()
            re2.purge()

    def _compiled(self, pattern: str) -> "re2._Regexp":
        found = self._patterns.get(pattern)
        if found is None:
            if len(pattern) > MAX_PATTERN_LENGTH:
                raise InvalidExpression(f"a pattern of matches has at most {MAX_PATTERN_LENGTH:,} characters")
            try:
                found = re2.compile(pattern.encode(), _OPTIONS)
            except re2.error:
                self.spend(_REFUSED)
                raise
            self.spend(_COMPILED + found.programsize // _INSTRUCTIONS)
            if found.programsize > MAX_INSTRUCTIONS:
                raise InvalidExpression("a pattern of matches is too large; repeat less in it")
            while len(self._patterns) >= _PATTERNS:
                del self._patterns[next(iter(self._patterns))]
                re2.purge()
            self._patterns[pattern] = found
        return found
