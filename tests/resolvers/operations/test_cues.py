"""What words say before meanings are compared: demands, procedures, directions and restrictions."""

import time
from collections.abc import Callable

import pytest

from resolvers.operations.cues import (
    Direction,
    demands_change,
    is_about_dependencies,
    read_direction,
    read_restriction,
    read_signs,
    wants_procedure,
)


@pytest.mark.parametrize(
    "question",
    [
        "restart patroni-01", "RESTART patroni-01!", "  please restart patroni-01", "could you approve CHG0000106?",
        "can someone close INC1", "What depends on redis? Then delete it", "who owns redis and restart it",
        "open an incident for redis", "change the owner of redis", "I want you to cancel CHG1", "let's fail over redis",
        "show INC1\nclose it", "mutation {closeIncident}", "mutation Close($n: String!) { closeIncident }",
        "Kindly shut down switch b1", "just resolve INC1", "take down redis", "turn off alerts", "sign off CHG1",
    ],
)  # fmt: skip
def test_a_demand(question: str) -> None:
    assert demands_change(question)


@pytest.mark.parametrize(
    "question",
    [
        "who approves the restart of redis 03?", "open P1 incidents of payments", "closed incidents of redis",
        "what happens if I restart redis", "who may approve a failover", "changes of redis", "what changed on redis",
        "start of CHG1", "update on INC1", "which runs wait", "link between web and redis", "approvals that wait",
        "whose approval do I need to reboot vault-01", "restart of redis: who approves it?", "what runs on redis",
    ],
)  # fmt: skip
def test_no_demand(question: str) -> None:
    assert not demands_change(question)


def test_a_procedure_is_for_documents() -> None:
    assert wants_procedure("How do I fail over redis?")
    assert wants_procedure("how to fix patroni")
    assert not wants_procedure("How do I reach the team database?")
    assert not wants_procedure("How is web connected to redis?")


@pytest.mark.parametrize(
    ("words", "direction"),
    [
        ("what depends on item0", Direction.DEPENDENTS),
        ("what does item0 depend on", Direction.DEPENDENCIES),
        ("what uses item0", Direction.DEPENDENTS),
        ("what does item0 use", Direction.DEPENDENCIES),
        ("what is item0 used by", Direction.DEPENDENTS),
        ("what is used by item0", Direction.DEPENDENCIES),
        ("by what is item0 used", Direction.DEPENDENTS),
        ("on what does item0 run", Direction.DEPENDENCIES),
        ("upstream of item0", Direction.DEPENDENCIES),
        ("downstream of item0", Direction.DEPENDENTS),
        ("dependents of item0", Direction.DEPENDENTS),
        ("dependencies of item0", Direction.DEPENDENCIES),
        ("item0 dependencies", Direction.DEPENDENCIES),
        ("what is built on item0", Direction.DEPENDENTS),
        ("what is item0 built on", Direction.DEPENDENCIES),
        ("what is required by item0", Direction.DEPENDENCIES),
        ("what requires item0", Direction.DEPENDENTS),
        ("what is upstream and downstream of item0", None),
        ("upstream users of item0", None),
        ("downstream dependencies of item0", None),
        ("upstream services that use item0", None),
        ("downstream services that use item0", Direction.DEPENDENTS),
        ("prerequisites to run item0", Direction.DEPENDENCIES),
        ("who owns item0", None),
        ("whom should i call about item0", None),
    ],
)
def test_a_direction_follows_from_the_place_of_the_verb(words: str, direction: Direction | None) -> None:
    assert read_direction(words) is direction


def test_words_about_dependencies() -> None:
    assert is_about_dependencies("owner of items that depend on item0")
    assert not is_about_dependencies("owner of item0")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("which services do not depend on redis", "no operation leaves out what a question excludes"),
        ("what doesn't use redis", "no operation leaves out what a question excludes"),
        ("incidents except P1", "no operation leaves out what a question excludes"),
        ("incidents of last week", "no operation takes a time"),
        ("changes since 2025", "no operation takes a time"),
        ("who owns redis and what depends on it", "it has two questions; ask them one by one"),
        ("not resolved incidents", ""),
        ("recent changes of redis", ""),
    ],
)
def test_what_no_operation_can_do(question: str, reason: str) -> None:
    assert read_restriction(question) == reason


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("incidents > P2", (">",)), ("P<=3", ("<",)), ("!P1 incidents", ("!",)), ("incidents -P1", ("-",)),
        ("incidents +P2", ("+",)), ("a = b & c", ("=", "&")), ("who owns redis-cache-01?!", ()),
        ("gitlab/redis; now", ()), ("c++", ()), ("wait -- what?", ()),
        ("P1 incidents - database", ("-",)), ("P1 incidents — database", ("—",)), ("redis-cache", ()),
    ],
)  # fmt: skip
def test_signs_that_compare_or_leave_out(text: str, signs: tuple[str, ...]) -> None:
    assert read_signs(text) == signs


@pytest.mark.parametrize(
    "text", ["\n" * 2_000, "and " * 500, "you to " * 280, "{" * 2_000, "used by " * 250, "p1 " * 600]
)
@pytest.mark.parametrize("read", [demands_change, wants_procedure, read_direction, read_restriction, read_signs])
def test_no_text_takes_long(read: Callable[[str], object], text: str) -> None:
    begin = time.process_time()
    read(text)
    assert time.process_time() - begin < 0.2
