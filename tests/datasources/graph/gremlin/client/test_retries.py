"""What is sent again, how often, and what is not, on a double of Neptune that fails on purpose."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from gremlin_python.process.traversal import T
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.embedded.neptune_like import Faults, NeptuneLike
from datasources.errors import SourceRefused, SourceTimeout, SourceUnavailable
from datasources.graph.gremlin.client.errors import (
    ConnectionLost,
    EngineError,
    GraphProblem,
    HandshakeDenied,
    MessageTooLarge,
    Unreachable,
)
from datasources.graph.gremlin.client.retry import MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS, RETRYABLE_CODES, RetryPolicy
from datasources.graph.gremlin.source import g
from datasources.request import RequestContext, use_request
from tests.datasources.graph.gremlin.client.conftest import MakeClient, within
from tests.fixtures.profiles import examples

Lines = Callable[[], list[dict[str, Any]]]


def upsert() -> Any:
    return g.merge_v({T.id: "client-retries", T.label: "client"}).id_()


@pytest.mark.parametrize("code", sorted(RETRYABLE_CODES))
async def test_a_passing_code_is_sent_again(
    make_client: MakeClient, double: NeptuneLike, lines: Lines, code: str
) -> None:
    double.faults = Faults(next_codes=(code,) * 3)
    client = make_client(url=double.url)
    with use_request(RequestContext()) as call:
        assert await client.submit(upsert(), "test", writes=True) == ["client-retries"]
    assert double.request_log.outcomes == Counter({code: 3, "200": 1})
    assert call.usage.traversals == 4
    assert len({each.request_id for each in double.request_log.requests}) == 4
    (line,) = lines()
    assert (line["retries"], line["levelname"], line["traversal_id"]) == (
        3,
        "INFO",
        double.request_log.requests[-1].request_id,
    )
    assert line["code"] == ""


async def test_sendings_are_bounded(make_client: MakeClient, double: NeptuneLike, lines: Lines) -> None:
    double.faults = Faults(codes={"ThrottlingException": 1.0})
    client = make_client(url=double.url, attempts=3)
    with pytest.raises(SourceUnavailable, match="ThrottlingException"):
        await client.submit(g.inject(1), "test")
    assert double.request_log.outcomes == Counter({"ThrottlingException": 3})
    (line,) = lines()
    assert (line["retries"], line["code"]) == (2, "ThrottlingException")


async def test_a_passing_code_ends_with_the_deadline(
    make_client: MakeClient, double: NeptuneLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The longest pauses: 50, 100, 200, 400 ms and so on, of which one would outlast the second that there is.
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    double.faults = Faults(codes={"ThrottlingException": 1.0})
    client = make_client(url=double.url, attempts=100)
    with within(1.0), pytest.raises(SourceUnavailable, match="ThrottlingException") as raised:
        await client.submit(g.inject(1), "test")
    # What is wrong is said at once, and not that the time ran out in a pause.
    assert type(raised.value) is SourceUnavailable


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("MalformedQueryException", SourceRefused),
        ("ConstraintViolationException", SourceRefused),
        ("AccessDeniedException", SourceRefused),
        ("MemoryLimitExceededException", SourceUnavailable),
        ("TimeLimitExceededException", SourceTimeout),
    ],
)
async def test_a_final_code_is_not_sent_again(
    make_client: MakeClient, double: NeptuneLike, code: str, error: type[Exception]
) -> None:
    double.faults = Faults(next_codes=(code,))
    client = make_client(url=double.url)
    with pytest.raises(error, match=code) as raised:
        await client.submit(g.inject(1), "test")
    assert type(raised.value) is error
    assert double.request_log.outcomes == Counter({code: 1})
    assert isinstance(raised.value.__cause__, EngineError)


@pytest.mark.parametrize(
    ("faults", "outcomes"),
    [
        (Faults(lose_requests=2), {"lost request": 2}),
        (Faults(lose_replies=2), {"lost reply": 2}),
        (Faults(cut_frames=2), {"cut frame": 2}),
        (Faults(refuse=(429, 503, 429)), {}),
        (Faults(refuse=(403,)), {}),
        (Faults(close_after=1), {}),
    ],
    ids=["requests", "replies", "frames", "handshakes", "a signature", "after each answer"],
)
async def test_what_is_lost_is_sent_again(
    make_client: MakeClient, double: NeptuneLike, faults: Faults, outcomes: dict[str, int]
) -> None:
    double.faults = faults
    client = make_client(url=double.url, pool_max=1)
    for number in range(4):
        assert await client.submit(g.inject(number), "test") == [number]
    assert double.request_log.outcomes == Counter({**outcomes, "200": 4})


async def test_a_traversal_that_ends_each_socket_is_not_sent_for_ever(
    make_client: MakeClient, double: NeptuneLike
) -> None:
    double.faults = Faults(lose_request_chance=1.0)
    client = make_client(url=double.url, attempts=4)
    with pytest.raises(SourceUnavailable):
        await client.submit(g.inject(1), "test")
    assert double.request_log.outcomes == Counter({"lost request": 4})


async def test_a_failover_drops_the_sockets_of_before(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, pool_max=1)
    assert await client.submit(g.inject(1), "test") == [1]
    double.faults = Faults(next_codes=("ReadOnlyViolationException", "ThrottlingException"))
    assert await client.submit(g.inject(2), "test") == [2]
    # The socket that said read-only is not used again; the one that throttled is.
    assert [each.connection for each in double.request_log.requests] == [1, 1, 2, 2]


async def test_a_failover_drops_the_sockets_in_use_once_they_are_free(
    make_client: MakeClient, double: NeptuneLike
) -> None:
    client = make_client(url=double.url, pool_max=2)
    double.faults = Faults(lag_after=0.5)
    first = asyncio.create_task(client.submit(g.inject(1), "test"))
    while not double.request_log.requests:
        await asyncio.sleep(0.01)
    double.faults = Faults(lag_after=0.5, next_codes=("ReadOnlyViolationException",))
    assert await client.submit(g.inject(2), "test") == [2]
    assert await first == [1]
    await asyncio.gather(*(client.submit(g.inject(number), "test") for number in (3, 4)))
    assert [each.connection for each in double.request_log.requests][:3] == [1, 2, 3]
    assert {each.connection for each in double.request_log.requests[3:]} == {3, 4}


async def test_a_garbled_answer_is_refused_and_its_socket_dropped(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, pool_max=1)
    double.faults = Faults(garbled_replies=1)
    with pytest.raises(SourceRefused, match="no JSON"):
        await client.submit(g.inject(1), "test")
    assert await client.submit(g.inject(2), "test") == [2]
    assert [each.connection for each in double.request_log.requests] == [1, 2]


async def test_two_hundred_writes_through_a_bad_hour(make_client: MakeClient, double: NeptuneLike) -> None:
    double.faults = Faults(
        codes={"ConcurrentModificationException": 0.2, "ThrottlingException": 0.05},
        lose_reply_chance=0.03,
        refuse_chance=0.1,
        seed=7,
    )
    client = make_client(url=double.url, attempts=12)
    for number in range(200):
        write = g.merge_v({T.id: f"client-{number}", T.label: "client"}).id_()
        assert await client.submit(write, "test", writes=True) == [f"client-{number}"]
    assert double.request_log.outcomes["200"] == 200
    assert min(double.request_log.outcomes[each] for each in ("ConcurrentModificationException", "lost reply")) > 0
    double.faults = Faults()
    await client.submit(g.V().has_label("client").drop(), "test", writes=True)


PROBLEMS: list[tuple[GraphProblem, int]] = [
    (Unreachable("x"), 1_000),
    (ConnectionLost("x"), 7),
    (HandshakeDenied(403), 1),
    (MessageTooLarge("x"), 0),
    (EngineError(500, "ThrottlingException", ""), 7),
    (EngineError(500, "InternalFailureException", ""), 7),
    (EngineError(598, "TimeLimitExceededException", ""), 0),
    (EngineError(500, "SomeException", ""), 0),
]


@pytest.mark.parametrize(("problem", "tries"), PROBLEMS, ids=[each.code for each, _ in PROBLEMS])
def test_how_often_each_problem_is_met_with_another_try(problem: GraphProblem, tries: int) -> None:
    retries = RetryPolicy(8)
    assert sum(retries.should_retry(problem, sendings) for sendings in range(1, 1_001)) == tries


@settings(max_examples=examples(50))
@given(st.integers(0, 40))
def test_pauses_grow_to_their_bound(failures: int) -> None:
    retries = RetryPolicy(8)
    pauses = [retries.next_pause_seconds() for _ in range(failures + 1)]
    for number, pause in enumerate(pauses):
        assert 0 <= pause <= min(MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS * 2**number)
