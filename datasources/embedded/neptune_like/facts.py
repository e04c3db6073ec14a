"""What the double enforces of Neptune, as data: the fact, where it is stated, and the test that shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """`source` is a page of the Neptune user guide unless it says otherwise; `test` is file::function."""

    text: str
    source: str
    test: str


FACTS: tuple[Fact, ...] = ()
