"""The state machine of a run: a definition, attempts, a time and reported results determine what is next. No I/O.

A run goes forward until every step is completed, or until one fails finally or the run is cancelled; then the steps
that succeeded are compensated, latest first, one after the other. The attempts alone contain this state, so any process
with the rows of a run can continue it: a step is completed when its last attempt SUCCEEDED or was SKIPPED, and has
finally failed when its last attempt FAILED, since a retry is written together with the failure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from msgspec.structs import replace
from uuid_utils import uuid7

from datasources.records.workflow_runs import LockedRunRecord, WorkflowRunState, WorkflowStepRunRecord
from datasources.records.workflow_runs import WorkflowStepRunState as S
from datasources.records.workflows import WorkflowStepKind
from resolvers.workflows.definition import Definition, Step, Wait

# The maximum pause between two attempts.
MAX_RETRY_DELAY_SECONDS = 3_600.0

LIVE_STATES = frozenset({WorkflowRunState.RUNNING, WorkflowRunState.WAITING, WorkflowRunState.COMPENSATING})
FORWARD_STATES = frozenset({WorkflowRunState.RUNNING, WorkflowRunState.WAITING})
STARTED_STATES = frozenset({S.RUNNING, S.WAITING})
COMPLETED_STATES = frozenset({S.SUCCEEDED, S.SKIPPED})

HUMAN_STEP_KINDS = frozenset({WorkflowStepKind.MANUAL, WorkflowStepKind.APPROVAL})

Attempts = Mapping[str, WorkflowStepRunRecord]


class ExpressionFailed(Exception):
    """An expression of a step has no usable value; the message becomes the reason of the step's failure."""


class ExpressionValues(Protocol):
    """Values of expressions. `before` contains the last attempt at every step before this one, by key."""

    def is_condition_met(self, step: Step, before: Attempts) -> bool:
        """Whether the step must run. Raises ExpressionFailed if the value is not a boolean."""
        ...

    def content(self, step: Step, before: Attempts) -> Any:
        """Return the content for the executor: inputs of a remediation, or the message of a notification.

        Raises ExpressionFailed if there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class StartedAttempt:
    """An attempt that has just started, and the content for its executor."""

    step: Step
    attempt: WorkflowStepRunRecord
    content: Any


def retry_delay(backoff: float, attempt: int) -> timedelta:
    """Return the pause between the end of an attempt, counted from 1, and the start of the next."""
    # 2**12 times the shortest pause is more than an hour; a larger exponent could overflow.
    return timedelta(seconds=min(MAX_RETRY_DELAY_SECONDS, backoff * 2.0 ** min(attempt - 1, 40)))


@dataclass(slots=True)
class RunStateMachine:
    """A run in memory. Report results to it, call `advance`, and write what has `changed`.

    `attempts` may be in any order; `changed` contains new and changed ones by id. `started` contains started attempts
    for executors, in order. A finished run does not change.
    """

    definition: Definition
    run: LockedRunRecord
    attempts: Sequence[WorkflowStepRunRecord]
    now: datetime
    values: ExpressionValues
    new_id: Callable[[], str] = lambda: str(uuid7())
    changed: dict[str, WorkflowStepRunRecord] = field(default_factory=dict)
    started: list[StartedAttempt] = field(default_factory=list)
    _steps: dict[str, Step] = field(init=False)
    _by_id: dict[str, Step] = field(init=False)
    _last: dict[str, WorkflowStepRunRecord] = field(init=False)

    def __post_init__(self) -> None:
        self._steps = {step.key: step for step in self.definition.steps}
        self._by_id = {step.id: step for step in self.definition.steps}
        self._last = {}
        for each in sorted(self.attempts, key=lambda attempt: attempt.attempt):
            if each.step_id in self._by_id:
                self._last[self._by_id[each.step_id].key] = each

    def last_attempt(self, key: str) -> WorkflowStepRunRecord | None:
        """Return the last attempt at a step; None if there is none yet."""
        return self._last.get(key)

    def step_of(self, attempt: WorkflowStepRunRecord) -> Step:
        """Return the step of an attempt."""
        return self._by_id[attempt.step_id]

    def succeed(self, attempt: WorkflowStepRunRecord, outcome: dict[str, Any]) -> None:
        """Record the success of an attempt."""
        self._store(replace(attempt, state=S.SUCCEEDED, finished_at=self.now, due_at=None, outcome=outcome))

    def fail(
        self, attempt: WorkflowStepRunRecord, reason: str, outcome: dict[str, Any] | None = None, *, again: bool = True
    ) -> None:
        """Record the failure of an attempt. With `again` and attempts left, the next attempt waits for its time."""
        self._store(
            replace(
                attempt, state=S.FAILED, finished_at=self.now, due_at=None, reason=reason,
                outcome=attempt.outcome if outcome is None else outcome,
            )
        )  # fmt: skip
        retry = self.step_of(attempt).configuration.retry
        if again and attempt.attempt < retry.attempts:
            due = self.now + retry_delay(retry.backoff, attempt.attempt)
            self._store(self._new(self.step_of(attempt), attempt.attempt + 1, due))

    def cancel(self, reason: str) -> None:
        """Cancel the run; completed steps are compensated."""
        self._end(WorkflowRunState.CANCELLED, reason)

    def abort(self, reason: str) -> None:
        """Fail the run without compensation."""
        self._close_open(reason)
        self.run = replace(self.run, state=WorkflowRunState.FAILED, reason=reason, finished_at=self.now)

    def advance(self) -> None:
        """Advance until a person, an executor or time must act."""
        while self.run.state in LIVE_STATES and (self._due() or self._next()):
            pass
        if self.run.state in FORWARD_STATES:
            people = all(each.state is S.WAITING for each in self._open_attempts())
            state = WorkflowRunState.WAITING if people else WorkflowRunState.RUNNING
            self.run = replace(self.run, state=state)

    def _due(self) -> bool:
        for each in sorted(self._open_attempts(), key=lambda attempt: (attempt.due_at or self.now, attempt.id)):
            if each.due_at is None or each.due_at > self.now:
                continue
            step = self.step_of(each)
            if each.state is S.PENDING:
                self._begin(step, each)
            elif isinstance(step.configuration, Wait):
                self.succeed(each, {})
            else:
                self.fail(each, f"timed out after {step.configuration.timeout} s")
            return True
        return False

    def _next(self) -> bool:
        return (
            self._advance_compensation() if self.run.state is WorkflowRunState.COMPENSATING else self._advance_forward()
        )

    def _advance_forward(self) -> bool:
        forward = [step for step in self.definition.steps if step.configuration.compensates is None]
        for step in forward:
            last = self.last_attempt(step.key)
            if last is not None and last.state in (S.FAILED, S.CANCELLED):
                self._end(WorkflowRunState.FAILED, f"step {step.key} failed: {last.reason or 'no reason was given'}")
                return True
        for step in forward:
            if self._is_untouched(step) and all(self._is_over(key) for key in step.depends_on):
                self._begin(step, self.last_attempt(step.key))
                return True
        if all(self._is_over(step.key) for step in forward):
            self.run = replace(self.run, state=WorkflowRunState.SUCCEEDED, finished_at=self.now)
        elif not self._open_attempts():
            self._end(WorkflowRunState.FAILED, "no step can begin: those that are left wait for each other")
        return False

    def _advance_compensation(self) -> bool:
        lost: list[str] = []
        for step in self._compensations():
            if self._is_untouched(step):
                self._begin(step, self.last_attempt(step.key))
                return True
            last = self._last[step.key]
            if last.state in STARTED_STATES or last.state is S.PENDING:
                return False
            if last.state is S.FAILED:
                lost.append(f"{step.key} failed: {last.reason}")
        assert self.run.ending is not None  # noqa: S101
        reason = "; ".join([self.run.reason, *(f"not undone, {each}" for each in lost)])
        self.run = replace(self.run, state=self.run.ending, reason=reason, finished_at=self.now)
        return False

    def _end(self, ending: WorkflowRunState, reason: str) -> None:
        self._close_open(reason)
        state = WorkflowRunState.COMPENSATING if self._compensations() else ending
        finished = None if state is WorkflowRunState.COMPENSATING else self.now
        self.run = replace(self.run, state=state, ending=ending, reason=reason, finished_at=finished)

    def _close_open(self, reason: str) -> None:
        for each in list(self._last.values()):
            if each.state in STARTED_STATES or each.state is S.PENDING:
                self._store(replace(each, state=S.CANCELLED, finished_at=self.now, due_at=None, reason=reason))

    def _compensations(self) -> list[Step]:
        places = {key: place for place, key in enumerate(topological_order(self.definition.steps))}
        done = [
            (last.finished_at or datetime.min.replace(tzinfo=UTC), places[key], key)
            for key, last in self._last.items()
            if last.state is S.SUCCEEDED and self._steps[key].configuration.compensates is None
        ]
        return [
            step
            for _, _, key in sorted(done, reverse=True)
            for step in self.definition.steps
            if step.configuration.compensates == key
        ]

    def _begin(self, step: Step, written: WorkflowStepRunRecord | None) -> None:
        attempt = replace(written or self._new(step, 1), started_at=self.now, due_at=None)
        before = {key: self._last[key] for key in self._before(step) if key in self._last}
        try:
            if attempt.attempt == 1 and not self.values.is_condition_met(step, before):
                self._store(replace(attempt, state=S.SKIPPED, finished_at=self.now, reason="its condition is false"))
                return
            content = self.values.content(step, before)
        except ExpressionFailed as unfit:
            # A retry would evaluate the same data.
            self.fail(attempt, str(unfit), again=False)
            return
        begun = self._to_started(step, attempt)
        self._store(begun)
        self.started.append(StartedAttempt(step, begun, content))

    def _to_started(self, step: Step, attempt: WorkflowStepRunRecord) -> WorkflowStepRunRecord:
        match step.kind:
            case WorkflowStepKind.NOTIFICATION:
                return replace(attempt, state=S.SUCCEEDED, finished_at=self.now)
            case WorkflowStepKind.MANUAL | WorkflowStepKind.APPROVAL:
                return replace(attempt, state=S.WAITING, due_at=self._deadline(step))
            case WorkflowStepKind.WAIT | WorkflowStepKind.REMEDIATION:
                return replace(attempt, state=S.RUNNING, due_at=self._deadline(step))

    def _deadline(self, step: Step) -> datetime | None:
        configuration = step.configuration
        seconds = configuration.seconds if isinstance(configuration, Wait) else configuration.timeout
        return None if seconds is None else self.now + timedelta(seconds=seconds)

    def _before(self, step: Step) -> Iterator[str]:
        seen: set[str] = set()
        undone = step.configuration.compensates
        waiting = [*step.depends_on, *(() if undone is None else (undone,))]
        while waiting:
            key = waiting.pop()
            if key in self._steps and key not in seen:
                seen.add(key)
                waiting.extend(self._steps[key].depends_on)
                yield key

    def _is_untouched(self, step: Step) -> bool:
        last = self.last_attempt(step.key)
        # An imported run may have a row for every step from the start.
        return last is None or (last.state is S.PENDING and last.due_at is None)

    def _is_over(self, key: str) -> bool:
        last = self.last_attempt(key)
        return last is not None and last.state in COMPLETED_STATES

    def _open_attempts(self) -> list[WorkflowStepRunRecord]:
        return [
            each
            for each in self._last.values()
            if each.state in STARTED_STATES or (each.state is S.PENDING and each.due_at is not None)
        ]

    def _new(self, step: Step, number: int, due: datetime | None = None) -> WorkflowStepRunRecord:
        return WorkflowStepRunRecord(
            id=self.new_id(), run_id=self.run.id, step_id=step.id, state=S.PENDING, attempt=number, started_at=None,
            finished_at=None, outcome={}, due_at=due, reason="",
        )  # fmt: skip

    def _store(self, attempt: WorkflowStepRunRecord) -> None:
        self.changed[attempt.id] = attempt
        self._last[self.step_of(attempt).key] = attempt


def topological_order(steps: Iterable[Step]) -> list[str]:
    """Return the keys of steps in topological order; steps without an order between them stay in list order."""
    left = list(steps)
    known = {step.key for step in left}
    placed: list[str] = []
    while left:
        free = [step for step in left if not (set(step.depends_on) & known) - set(placed)]
        # Steps of a cycle never start; they stay in list order.
        taken = free[0] if free else left[0]
        placed.append(taken.key)
        left.remove(taken)
    return placed
