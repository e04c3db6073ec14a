"""The supervisor: rounds go on whatever they raise, and heartbeats and the log say how they fare."""

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest

from datasources.errors import SourceUnavailable
from datasources.observability.heartbeats import Heartbeat, Heartbeats
from datasources.records.workers import WorkerState
from datasources.supervisor import Backoff, background_task, supervise
from tests.fixtures.emf import measured, values

AT_ONCE = Backoff(0.0, 0.0)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Rounds:
    """A round that raises what it is given, one after the other, and then tells its loop to stop."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.stop = asyncio.Event()
        self.count = 0
        self._errors: Iterator[BaseException | None] = iter(errors)

    async def __call__(self) -> float:
        self.count += 1
        error = next(self._errors, StopIteration())
        if isinstance(error, StopIteration):
            self.stop.set()
        elif error is not None:
            raise error
        return 0.0


@pytest.mark.parametrize(
    "error",
    [
        ValueError("4" * 400), RecursionError(), MemoryError(), KeyError("row"), TimeoutError(), AssertionError(),
        ExceptionGroup("several", [OSError()]), SourceUnavailable("main", "main cannot be reached"),
        # A library's own task was cancelled; nobody cancelled ours.
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_whatever_a_round_raises_the_next_one_comes(error: BaseException) -> None:
    rounds = Rounds(error, None, error, error)
    await supervise(Heartbeats(), "w", rounds, rounds.stop, stuck_after_seconds=60, lost=AT_ONCE, failed=AT_ONCE)
    assert rounds.count == 5


async def test_a_task_that_is_cancelled_ends() -> None:
    async def round() -> float:
        begun.set()
        await asyncio.Event().wait()
        return 0.0

    begun = asyncio.Event()
    task = asyncio.create_task(supervise(Heartbeats(), "w", round, asyncio.Event(), stuck_after_seconds=60))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_the_pauses_double_up_to_their_bound() -> None:
    assert [Backoff().seconds(failures) for failures in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert Backoff(0.5, 4.0).seconds(10**9) == 4.0


async def test_a_stop_is_heard_in_a_pause() -> None:
    async def round() -> float:
        begun.set()
        return 3_600.0

    begun, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(supervise(Heartbeats(), "w", round, stop, stuck_after_seconds=60))
    await begun.wait()
    stop.set()
    async with asyncio.timeout(30):
        await task


async def test_the_body_goes_on_and_the_loop_has_ended_after_it() -> None:
    heartbeats = Heartbeats()
    rounds = Rounds(*[ValueError()] * 3)

    async def loop(stop: asyncio.Event) -> None:
        await supervise(heartbeats, "w", rounds, stop, stuck_after_seconds=60, failed=Backoff(3_600.0, 3_600.0))

    async with background_task("w", loop):
        while rounds.count == 0:
            await asyncio.sleep(0)
        assert [each.state for each in heartbeats.records()] == [WorkerState.FAILING]
    # One that ended as it was told to is no worker any more.
    assert heartbeats.records() == []
    assert rounds.count == 1


def test_a_heartbeat_tells_waiting_from_failing_and_since_when() -> None:
    clock = Clock()
    heart = Heartbeat("w", 60, clock)
    assert (heart.record().state, heart.record().last_round_at) == (WorkerState.RUNNING, None)
    heart.begin()
    heart.fail(SourceUnavailable("main", "main cannot be reached"), 1.0)
    clock.now += 5
    waiting = heart.record()
    assert (waiting.state, waiting.reason, waiting.failures, waiting.seconds) == (
        WorkerState.WAITING, "main cannot be reached", 1, 5.0,
    )  # fmt: skip
    for _ in range(2):
        heart.begin()
        heart.fail(_raised(), 1.0)
        clock.now += 3
    failing = heart.record()
    assert (failing.state, failing.failures, failing.seconds) == (WorkerState.FAILING, 3, 6.0)
    # Where it was raised and of which type, and not what it quotes.
    assert failing.reason.startswith("ValueError at tests/workers/test_supervisor.py:")
    assert "secret" not in failing.reason
    heart.begin()
    heart.succeed()
    well = heart.record()
    assert (well.state, well.reason, well.failures, well.seconds) == (WorkerState.RUNNING, "", 0, 0.0)
    assert well.last_round_at is not None


def test_a_round_that_does_not_end_is_stuck_and_recovers_when_it_does() -> None:
    clock = Clock()
    heart = Heartbeat("w", 60, clock)
    heart.begin()
    clock.now += 60
    assert heart.record().state is WorkerState.RUNNING
    clock.now += 1
    stuck = heart.record()
    assert (stuck.state, stuck.reason, stuck.seconds) == (WorkerState.STUCK, "its round has not ended within 60 s", 61)
    heart.succeed()
    # A pause is no round.
    clock.now += 1_000
    assert heart.record().state is WorkerState.RUNNING


async def test_a_stuck_round_is_logged_while_it_is(caplog: pytest.LogCaptureFixture) -> None:
    async def round() -> float:
        while "worker is stuck" not in caplog.text:
            await asyncio.sleep(0.01)
        stop.set()
        return 0.0

    stop = asyncio.Event()
    async with asyncio.timeout(30):
        await supervise(Heartbeats(), "w", round, stop, stuck_after_seconds=0.01)
    [line] = measured(caplog.records)
    assert (*values(line, "WorkerFailures"), line["Worker"], line["level"]) == (1, "w", "ERROR")


def test_what_repeats_itself_is_logged_ever_more_rarely_and_counted_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "stackflow.workers")
    heart = Heartbeat("w", 60)
    for _ in range(20):
        heart.begin()
        heart.fail(_raised(), 1.0)
    errors = [vars(each) for each in caplog.records if each.levelno == logging.ERROR]
    assert [each["failures"] for each in errors] == [1, 2, 4, 8, 16]
    assert [each["exc_info"] is not None for each in errors] == [True, False, False, False, False]
    lines = measured(caplog.records)
    assert sum(values(line, "WorkerFailures")[0] for line in lines) == 20
    assert lines[0]["_aws"]["CloudWatchMetrics"][1] == {
        "Namespace": "StackFlow", "Dimensions": [["Environment", "Worker"]],
        "Metrics": [{"Name": "WorkerFailures", "Unit": "Count"}],
    }  # fmt: skip
    # Another fault is a line of its own at once, and so is the first round that works.
    caplog.clear()
    heart.fail(KeyError("other"), 1.0)
    heart.succeed()
    assert [each.message for each in caplog.records] == ["worker failed", "worker works again"]


async def test_lost_stores_are_warnings_without_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    rounds = Rounds(*[SourceUnavailable("main", "main cannot be reached")] * 5)
    await supervise(Heartbeats(), "w", rounds, rounds.stop, stuck_after_seconds=60, lost=AT_ONCE)
    waits = [each for each in caplog.records if each.message == "worker waits for a store"]
    assert [vars(each)["failures"] for each in waits] == [1, 2, 4]
    assert {(each.levelno, vars(each)["source"], each.exc_info) for each in waits} == {(logging.WARNING, "main", None)}


def _raised(error: Callable[[str], Exception] = ValueError) -> Exception:
    try:
        raise error("a secret of a row")
    except ValueError as raised:
        return raised
