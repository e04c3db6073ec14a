"""Calls of language models: each is routed, reserved from a budget, sent, and recorded in the ledger."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from msgspec.structs import replace as replace_fields
from uuid_utils import uuid7

from datasources.aurora.ai_usage import calls as ledger
from datasources.errors import SourceError
from datasources.language.port import Call, Completion, LanguageError, LanguageFailure, TaskKind, TokenUsage
from datasources.observability.metrics import emit_model_metrics
from datasources.records.ai_calls import AiCallReservation, AiCallResult
from datasources.request import use_request
from resolvers.context import Context
from resolvers.models.catalog import Model
from resolvers.models.pool import ModelPool, model_pool
from resolvers.models.router import RouterDecision, Task, list_refusals, route

# Seconds for which a reservation outlives the timeout of its call.
EXPIRY_SECONDS = 60.0
# Seconds that the end of a call may take in the database, even if the request has no time left.
FINISH_SECONDS = 5.0

log = logging.getLogger("stackflow.models")


class Reply(Protocol):
    """What a model returned: a draft or a choice."""

    @property
    def completion(self) -> Completion: ...


T = TypeVar("T", bound=Reply)


@dataclass(frozen=True, slots=True)
class ModelResult(Generic[T]):
    """The reply of a model, None if no model could be used; `reason` says why the model was chosen, or none replied.

    `calls` are the ids of all attempts in the ledger, the last one that of the reply; `usd` is what they cost together.
    """

    value: T | None
    decision: RouterDecision
    model: str | None
    calls: tuple[str, ...]
    usd: float
    reason: str


@dataclass(slots=True)
class _Attempts:
    """The attempts of one task, and what is left for the next one."""

    task: Task
    deadline: float
    calls: list[str] = field(default_factory=list)
    usd: float = 0.0
    failures: list[str] = field(default_factory=list)

    def left(self) -> Task:
        """Return the task with the time and the money that are left."""
        seconds = self.deadline - asyncio.get_running_loop().time()
        return replace(self.task, latency_seconds=seconds, budget_usd=self.task.budget_usd - self.usd)


def max_tokens(text: str) -> int:
    """Return an upper bound of the tokens of a text: a token has about four characters, and hardly ever fewer than two
    bytes."""
    return len(text.encode(errors="replace")) // 2 + 1


def budget_team(context: Context) -> str:
    """Return the team whose budget the caller uses: the first of its teams in order, empty for a caller in none."""
    return min(context.scope.team_keys, default="")


def create_task(
    context: Context, kind: TaskKind, question: str, context_tokens: int, output_tokens: int, **others: Any
) -> Task:
    """Return a task with the latency and the budget of the settings; `others` are further fields of it."""
    settings = context.sources.language_settings
    limits = {"latency_seconds": settings.latency_seconds, "budget_usd": settings.usd_a_request}
    return Task(kind, question, context_tokens, output_tokens, **(limits | others))


async def call_model(context: Context, task: Task, send: Callable[[Call], Awaitable[T]]) -> ModelResult[T]:
    """Call the model that the router chooses, or the next one that is left time and money for if it fails.

    No question or reply is stored or logged. `send` raises LanguageError for a failure. Three statements for each
    attempt; errors are those of the main database.
    """
    pool, settings, team = model_pool(context.sources), context.sources.language_settings, budget_team(context)
    main, now = context.sources.main, asyncio.get_running_loop().time()
    models = await pool.speeds.models(main)
    left = await ledger.fetch_budget_left(main, team, settings.usd_a_day)
    remaining = context.request.remaining()
    seconds = task.latency_seconds if remaining is None else min(task.latency_seconds, remaining)
    task = replace(task, latency_seconds=seconds, team_budget_usd=min(task.team_budget_usd, left))
    decision = route(task, models, pool.is_open)
    attempts = _Attempts(task, now + seconds)
    by_id = {model.id: model for model in models}
    for id_ in (decision.model, *decision.fallbacks):
        if id_ is None:
            return ModelResult(None, decision, None, (), 0.0, decision.reason)
        reply = await _attempt(context, pool, by_id[id_], decision, attempts, send)
        if isinstance(reply, LanguageFailure):
            if reply is LanguageFailure.REFUSED:
                break
        elif reply is not None:
            return ModelResult(reply, decision, id_, tuple(attempts.calls), attempts.usd, decision.reason)
    return ModelResult(None, decision, None, tuple(attempts.calls), attempts.usd, "; ".join(attempts.failures))


async def _attempt(
    context: Context,
    pool: ModelPool,
    model: Model,
    decision: RouterDecision,
    attempts: _Attempts,
    send: Callable[[Call], Awaitable[T]],
) -> T | LanguageFailure | None:
    """Return the reply, or how the call failed; None if it was not sent."""
    task = attempts.left()
    cost = model.worst_cost(task.context_tokens, task.output_tokens)
    refusals = list_refusals(task, model, decision.tier, cost, model.worst_seconds(task.output_tokens))
    breaker = pool.breakers[model.id]
    if refusals or not breaker.try_acquire():
        attempts.failures.append(f"{model.id}: {', '.join(refusals) or 'its breaker is open'}")
        return None
    call = Call(model.id, task.output_tokens, task.latency_seconds, _metadata(context, task))
    try:
        id_ = await _reserve(context, pool, call, task, decision, cost)
        if id_ is None:
            attempts.failures.append(f"{model.id}: the team's budget of the day is used up")
            return None
        attempts.calls.append(id_)
        sent = await _send(context, model, call, send, AiCallResult(id=id_, usd=cost), task)
        attempts.usd += sent.result.usd
        if sent.failure is not None:
            attempts.failures.append(f"{model.id}: {sent.failure}")
        breaker.record(sent.failure)
        return sent.reply if sent.failure is None else sent.failure
    finally:
        # Without effect if the result is recorded.
        breaker.release()


@dataclass(frozen=True, slots=True)
class _Sent(Generic[T]):
    """A reply, or how the call failed, and what the ledger has of it."""

    reply: T | None
    failure: LanguageFailure | None
    result: AiCallResult


async def _send(
    context: Context, model: Model, call: Call, send: Callable[[Call], Awaitable[T]], worst: AiCallResult, task: Task
) -> _Sent[T]:
    """Send a call and record its result; `worst` has the id and the cost of the reservation."""
    clock = asyncio.get_running_loop().time
    begin, failure, reply = clock(), None, None
    # For a call that ends without a result, such as a cancelled one: the provider may bill all of it.
    result = replace_fields(
        worst, input_tokens=task.context_tokens, output_tokens=call.max_tokens, estimated=True, failure="CANCELLED"
    )
    try:
        reply = await send(call)
        done = reply.completion
        result = _result(worst.id, model, done.usage, done.seconds, done.provider_request_id)
        result = replace_fields(result, first_token_seconds=done.first_token_seconds)
    except LanguageError as error:
        failure = error.failure
        result = _result(worst.id, model, error.usage, clock() - begin, error.provider_request_id)
        result = replace_fields(result, failure=failure.value)
    finally:
        await _finish(context, result)
        emit_model_metrics(
            model.id,
            AiCostUsd=result.usd,
            AiInputTokens=result.input_tokens + result.cache_read_tokens + result.cache_write_tokens,
            AiOutputTokens=result.output_tokens,
            AiMilliseconds=1_000 * result.seconds,
            AiFailures=float(bool(result.failure)),
        )
    return _Sent(reply, failure, result)


def _result(id_: str, model: Model, usage: TokenUsage, seconds: float, provider_request_id: str) -> AiCallResult:
    return AiCallResult(
        id=id_,
        usd=model.cost(usage),
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        estimated=usage.estimated,
        seconds=seconds,
        provider_request_id=provider_request_id,
    )


async def _reserve(
    context: Context, pool: ModelPool, call: Call, task: Task, decision: RouterDecision, cost: float
) -> str | None:
    """Reserve the cost of a call and return its id in the ledger; None if the budget of the team does not suffice."""
    reservation = AiCallReservation(
        id=str(uuid7()),
        request_id=context.request.request_id,
        team=budget_team(context),
        actor=context.principal.actor,
        operation=task.kind.value,
        model=call.model,
        usd=cost,
        seconds=call.timeout_seconds + EXPIRY_SECONDS,
        price_as_of=pool.catalog.as_of,
        reason=decision.reason,
    )
    main, limit = context.sources.main, context.sources.language_settings.usd_a_day
    is_reserved = await ledger.reserve_call(main, reservation, limit)
    if not is_reserved and await ledger.release_expired_calls(main):
        is_reserved = await ledger.reserve_call(main, reservation, limit)
    return reservation.id if is_reserved else None


async def _finish(context: Context, result: AiCallResult) -> None:
    """Record the result of a call, even if the request has no time left. A lost database is only logged."""
    deadline = asyncio.get_running_loop().time() + FINISH_SECONDS
    with use_request(replace(context.request, deadline=deadline)):
        try:
            await ledger.finish_call(context.sources.main, result)
        except SourceError as error:
            log.error("a call of a model is not recorded", extra={"call": result.id, "usd": result.usd}, exc_info=error)


def _metadata(context: Context, task: Task) -> dict[str, str]:
    return {
        "requestId": context.request.request_id,
        "operation": task.kind.value,
        "team": budget_team(context),
    }
