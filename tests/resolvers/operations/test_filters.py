"""Priorities and states as lists: what is read exactly, and what is left for the rule of ignored words."""

import time

import pytest

from resolvers.operations.filters import read_priorities, read_states


@pytest.mark.parametrize(
    ("question", "priorities", "text"),
    [
        ("open P1 incidents", [1], "open priority incidents"),
        ("P3 and p2 incidents", [2, 3], "priority incidents"),
        ("priority 1 or 2", [1, 2], "priority"),
        ("P1, P2 and P4 of redis", [1, 2, 4], "priority of redis"),
        ("P1/P2 incidents", [1, 2], "priority incidents"),
        ("P1 through P3", [1, 2, 3], "priority"),
        ("P3-P1 incidents", [1, 2, 3], "priority incidents"),
        ("priorities 2 to 4", [2, 3, 4], "priority"),
        ("incidents between P2 and P4", [2, 3, 4], "incidents priority"),
        ("from P1 to P2", [1, 2], "priority"),
        ("P1-priority incidents", [1], "priority incidents"),
        ("sev 4 tickets", [4], "priority tickets"),
        ("P1 and also P2", [1, 2], "priority and also priority"),
        ("above P2", [2], "above priority"),
        ("non-P1", [1], "non-priority"),
        ("P6 incidents of p10 and http1", [], "P6 incidents of p10 and http1"),
    ],
)
def test_priorities(question: str, priorities: list[int], text: str) -> None:
    assert read_priorities(question) == (priorities, text)


@pytest.mark.parametrize(
    ("question", "states", "text"),
    [
        ("open incidents", [], "open incidents"),
        ("not resolved incidents", [], "unresolved incidents"),
        ("Closed incidents", ["RESOLVED", "CLOSED"], "resolved incidents"),
        ("incidents on hold", ["ON_HOLD"], "incidents on-hold"),
        ("cancelled or solved", ["RESOLVED", "CLOSED", "CANCELLED"], "cancelled"),
        ("both resolved and open", ["NEW", "IN_PROGRESS", "ON_HOLD", "RESOLVED", "CLOSED"], "resolved"),
        ("past incidents", ["RESOLVED", "CLOSED"], "past incidents"),
        ("former owner", [], "former owner"),
        ("reopened incidents of closed-loop", [], "reopened incidents of closed-loop"),
        (
            "open incidents of closed changes",
            ["NEW", "IN_PROGRESS", "ON_HOLD", "RESOLVED", "CLOSED"],
            "open incidents of resolved changes",
        ),
    ],
)
def test_states(question: str, states: list[str], text: str) -> None:
    found, reduced = read_states(question)
    assert ([str(each) for each in found], reduced) == (states, text)


@pytest.mark.parametrize("text", ["p1 " * 600, "p1, " * 500, "open and " * 200, "both " * 400, "p1 to " * 300])
def test_no_text_takes_long(text: str) -> None:
    begin = time.process_time()
    read_priorities(text)
    read_states(text)
    assert time.process_time() - begin < 0.2
