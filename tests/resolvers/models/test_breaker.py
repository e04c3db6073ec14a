"""The breaker of a model: three throttled calls within 30 seconds, a trial, and a quota."""

from datasources.language.port import LanguageFailure
from resolvers.models.breaker import ModelBreaker

THROTTLED, QUOTA, TIMEOUT = LanguageFailure.THROTTLED, LanguageFailure.QUOTA, LanguageFailure.TIMEOUT


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: ModelBreaker, *failures: LanguageFailure | None) -> None:
    for failure in failures:
        assert breaker.try_acquire()
        breaker.record(failure)


def test_three_throttled_calls_within_thirty_seconds_open_it() -> None:
    clock = Clock()
    breaker = ModelBreaker(clock)
    fail(breaker, THROTTLED, THROTTLED)
    clock.now += 31
    fail(breaker, THROTTLED)
    assert not breaker.is_open
    fail(breaker, THROTTLED, THROTTLED)
    assert breaker.is_open
    assert not breaker.try_acquire()


def test_success_between_throttled_calls_counts_from_new() -> None:
    breaker = ModelBreaker(Clock())
    fail(breaker, THROTTLED, THROTTLED, None, THROTTLED, THROTTLED)
    assert not breaker.is_open


def test_one_trial_decides_after_thirty_seconds() -> None:
    clock = Clock()
    breaker = ModelBreaker(clock)
    fail(breaker, THROTTLED, THROTTLED, THROTTLED)
    clock.now += 29.9
    assert breaker.is_open
    clock.now += 0.2
    assert breaker.try_acquire()
    assert (breaker.is_open, breaker.try_acquire()) == (True, False)
    breaker.record(THROTTLED)
    clock.now += 29.9
    assert breaker.is_open
    clock.now += 0.2
    fail(breaker, None)
    assert not breaker.is_open
    fail(breaker, THROTTLED, THROTTLED)
    assert not breaker.is_open


def test_a_released_trial_leaves_room_for_another() -> None:
    clock = Clock()
    breaker = ModelBreaker(clock)
    fail(breaker, THROTTLED, THROTTLED, THROTTLED)
    clock.now += 31
    assert breaker.try_acquire()
    breaker.release()
    assert breaker.try_acquire()


def test_a_used_quota_opens_it_for_ten_minutes() -> None:
    clock = Clock()
    breaker = ModelBreaker(clock)
    fail(breaker, QUOTA)
    clock.now += 599
    assert breaker.is_open
    clock.now += 2
    assert not breaker.is_open


def test_a_call_that_began_before_does_not_close_it() -> None:
    breaker = ModelBreaker(Clock())
    assert breaker.try_acquire()
    fail(breaker, QUOTA)
    breaker.record(None)
    assert breaker.is_open


def test_failures_that_say_nothing_about_capacity_do_not_open_it() -> None:
    breaker = ModelBreaker(Clock())
    fail(breaker, *[TIMEOUT] * 10, *[LanguageFailure.UNAVAILABLE] * 10)
    assert not breaker.is_open
