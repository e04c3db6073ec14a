"""Reciprocal rank fusion: one score from several ranked lists."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

K = TypeVar("K")

# A small constant favours the first ranks. Cormack, Clarke and Büttcher, SIGIR 2009, use 60 for lists of 1,000.
RANK_OFFSET = 20


def fuse_ranks(lists: Iterable[tuple[float, Sequence[K]]]) -> dict[K, float]:
    """Return the score of each key: the sum of weight / (20 + rank) over the lists that contain it; ranks count from 1.

    `lists` holds pairs of a weight and keys, best first, each key once. The order of the lists does not matter.
    """
    shares: dict[K, list[float]] = {}
    for weight, keys in lists:
        for rank, key in enumerate(keys, 1):
            shares.setdefault(key, []).append(weight / (RANK_OFFSET + rank))
    # fsum rounds once, so the sum does not depend on the order.
    return {key: math.fsum(each) for key, each in shares.items()}
