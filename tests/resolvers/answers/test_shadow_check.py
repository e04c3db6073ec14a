"""Shadow checks: a cached answer agrees if the gate would pass it with the sources of the new answer."""

import pytest

from datasources.records.ai_calls import CacheCheck
from resolvers.answers.shadow_check import compare_answers

FAIL_OVER = "Promote\nPromote the replica with the highest offset. Never promote two replicas."
RACK = "Power\nCall the data centre when a rack loses power."


@pytest.mark.parametrize(
    ("cached", "sources", "check"),
    [
        (["Promote the replica with the highest offset."], [FAIL_OVER], CacheCheck.AGREES),
        (["Never promote two replicas."], [RACK, FAIL_OVER], CacheCheck.AGREES),
        # A third may be lost.
        (["Never promote two replicas.", "Promote the replica.", "Page the team."], [FAIL_OVER], CacheCheck.AGREES),
        (["Promote the replica with the highest offset."], [RACK], CacheCheck.DIFFERS),
        (["Promote two replicas."], [FAIL_OVER], CacheCheck.DIFFERS),
        (["Promote the replica with the highest offset."], [], CacheCheck.DIFFERS),
    ],
)
def test_a_cached_answer_is_compared_by_the_gate(cached: list[str], sources: list[str], check: CacheCheck) -> None:
    assert compare_answers(cached, sources) is check
