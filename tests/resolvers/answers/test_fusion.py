"""Reciprocal rank fusion does not depend on the order of lists, and a better rank in every list never ranks lower."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.answers.fusion import fuse_ranks

KEYS = "abcdefgh"
LISTS = st.lists(st.tuples(st.floats(0.01, 10), st.lists(st.sampled_from(KEYS), unique=True, max_size=8)), max_size=5)


def test_a_score_is_the_sum_of_the_shares_of_its_ranks() -> None:
    assert fuse_ranks([(1.0, ["a", "b"]), (0.25, ["b", "c"])]) == {
        "a": 1 / 21, "b": pytest.approx(1 / 22 + 0.25 / 21), "c": 0.25 / 22,
    }  # fmt: skip
    assert fuse_ranks([]) == {}


@given(LISTS, st.randoms())
def test_the_order_of_the_lists_does_not_matter(lists: list[tuple[float, list[str]]], random: object) -> None:
    shuffled = list(lists)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fuse_ranks(shuffled) == fuse_ranks(lists)


@given(LISTS)
def test_a_key_that_is_nowhere_behind_another_never_scores_less(lists: list[tuple[float, list[str]]]) -> None:
    scores = fuse_ranks(lists)
    for one in scores:
        for other in scores:
            if all(_rank(keys, one) <= _rank(keys, other) for _, keys in lists):
                assert scores[one] >= scores[other]


def _rank(keys: list[str], key: str) -> float:
    return keys.index(key) if key in keys else float("inf")
