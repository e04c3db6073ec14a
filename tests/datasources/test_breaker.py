"""The breaker opens after failures in a row, and one trial call decides when it closes."""

from datasources.breaker import Breaker


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(3, 5.0, Clock())
    for outcome in (
        breaker.record_failure,
        breaker.record_failure,
        breaker.record_success,
        breaker.record_failure,
        breaker.record_failure,
    ):
        assert breaker.try_acquire()
        outcome()
    assert breaker.is_closed
    breaker.record_failure()
    assert (breaker.is_closed, breaker.try_acquire()) == (False, False)


def test_admits_one_trial_after_the_pause() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.record_failure()
    clock.now += 4.9
    assert not breaker.try_acquire()
    clock.now += 0.1
    assert [breaker.try_acquire() for _ in range(3)] == [True, False, False]
    breaker.record_success()
    assert [breaker.try_acquire() for _ in range(3)] == [True, True, True]


def test_failed_trial_opens_for_another_pause() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.record_failure()
    clock.now += 5
    assert breaker.try_acquire()
    breaker.record_failure()
    clock.now += 4.9
    assert not breaker.try_acquire()
    clock.now += 0.1
    assert breaker.try_acquire()


def test_trial_that_judges_nothing_leaves_the_trial_to_the_next_call() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.record_failure()
    clock.now += 5
    assert breaker.try_acquire()
    breaker.release()
    assert (breaker.is_closed, breaker.try_acquire(), breaker.try_acquire()) == (False, True, False)
