"""Triggers: entries of the outbox start runs, each exactly once, and no workflow starts itself.

The position in the outbox advances in the transaction that starts the runs, and each run has a trigger key: a crash or
a second worker starts no run twice and omits none.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import msgspec
from msgspec import Struct
from uuid_utils import uuid7

from datasources.aurora.workflow_runs import triggers as rows
from datasources.aurora.workflow_runs.triggers import OutboxEntry
from datasources.observability.exceptions import describe, report
from datasources.records.queries import Scope
from datasources.request import RequestContext, current_request, use_request
from datasources.sources import Sources
from datasources.supervisor import CaughtError, attempt
from resolvers.context import Context, SystemPrincipal
from resolvers.unit_of_work import ValidationFailed, Write, WriteResult, run_write
from resolvers.workflow_runs import engine
from resolvers.workflow_runs.start import StartRequest, start
from resolvers.workflow_runs.trigger_matching import (
    ActiveTrigger,
    TriggerContext,
    load_trigger_context,
    load_triggers,
    match_triggers,
)
from resolvers.workflows.dependencies import format_cycle
from resolvers.workflows.expressions.expression import MAX_WORK, SharedBudget
from resolvers.workflows.expressions.thread import run_in_thread

log = logging.getLogger("stackflow.workflows")

READER_NAME = "workflow-triggers"
# The queue name of the dead letters for skipped rows.
DEAD_LETTER_QUEUE = "workflow-triggers"
# Maximum number of outbox rows in one transaction.
BATCH_SIZE = 200
# Budget of the expressions of all triggers for one row; a round that has used it ends. About 4 s.
MAX_ROW_WORK = 20 * MAX_WORK
# Maximum number of runs of which each causes the next.
MAX_CHAIN_LENGTH = 8


class TriggerWorkflows(Struct, frozen=True):
    """Start runs for outbox entries."""


async def run_round(sources: Sources) -> int:
    """Start runs for entries since the last round; return the number of processed outbox rows, at most 200.

    The very first round processes no rows: earlier entries start no runs. Raises SourceUnavailable if a store is
    unavailable. A row for which the store rejects a run, or that raises an error, is skipped: the error is logged, and
    a dead letter of the queue `workflow-triggers` contains the reason. The other rows are processed.
    """
    if not await rows.has_new_entries(sources.main, READER_NAME):
        return 0
    read, refused = await _try_batch(sources, BATCH_SIZE)
    if not refused:
        return read
    done = 0
    while done < BATCH_SIZE:
        read, refused = await _try_batch(sources, 1)
        if refused:
            read = await _skip_row(sources, refused)
        if not read:
            break
        done += read
    return done


async def _try_batch(sources: Sources, most: int) -> tuple[int, str]:
    """Return the number of processed rows; after an error, 0 and the error, and everything is rolled back."""
    outcome = await attempt(partial(_run_batch, sources, most))
    if not isinstance(outcome, CaughtError):
        if most == 1 and outcome[1]:
            log.error("a change starts no runs", extra={"problem": outcome[1]})
        return outcome
    if most == 1:
        report(log, "a change starts no runs", outcome.error, "workflows")
    return 0, describe(outcome.error)


async def _skip_row(sources: Sources, reason: str) -> int:
    """Advance behind the next row and store it as a dead letter; return the number of skipped rows, 1 or 0."""
    async with sources.main.transaction() as transaction:
        place = await rows.lock_reader(transaction, READER_NAME)
        entries = [] if place is None else await rows.fetch_after(transaction, place, 1)
        for entry in entries:
            body = msgspec.json.encode({
                "entity": entry.kind, "entityId": entry.entity_id, "change": entry.step,
                "transaction": entry.transaction, "position": entry.position,
            }).decode()  # fmt: skip
            await rows.add_dead_letter(
                transaction, DEAD_LETTER_QUEUE, str(uuid7()), entry, body, f"it starts no runs: {reason}"
            )
            await rows.advance_reader(transaction, READER_NAME, entry.cursor)
    return len(entries)


async def _run_batch(sources: Sources, most: int) -> tuple[int, str]:
    """Return the number of processed rows, and the user errors; with these everything is rolled back."""
    processed = 0

    async def work(write: Write) -> Sequence[str]:
        nonlocal processed
        processed = 0
        transaction = write.transaction
        place = await rows.lock_reader(transaction, READER_NAME)
        if place is None:
            await rows.start_reader(transaction, READER_NAME)
            return []
        entries = await rows.fetch_after(transaction, place, most)
        if not entries:
            return []
        processed, started = await _start_runs(write, entries)
        await rows.advance_reader(transaction, READER_NAME, entries[processed - 1].cursor)
        return started

    context = _context(sources, RequestContext(deadline=current_request().deadline))
    with use_request(context.request):
        written = await run_write(context, "TriggerWorkflows", TriggerWorkflows(), work)
    return processed, _problem(written)


def _problem(written: WriteResult) -> str:
    return "; ".join(error.message for error in written.user_errors)


def _context(sources: Sources, call: RequestContext) -> Context:
    return Context(SystemPrincipal("engine", "triggers"), Scope(sees_restricted=True), sources, call)


async def _start_runs(write: Write, entries: Sequence[OutboxEntry]) -> tuple[int, list[str]]:
    """Return the number of processed rows, at least one, and the started runs.

    Ends early if expressions used much of the budget; the remaining rows wait for the next round.
    """
    triggers = await load_triggers(write.transaction)
    ids: list[str] = []
    spent = 0
    for number, entry in enumerate(entries, start=1):
        ready = triggers.for_entry(entry)
        if not ready:
            continue
        facts = await load_trigger_context(write.transaction, entry)
        if facts is None:
            continue
        visible = [each for each in ready if each.can_see(facts)]
        allowance = SharedBudget(MAX_ROW_WORK)
        for each, holds, problem in await run_in_thread(match_triggers, visible, facts, triggers.below, allowance):
            if problem:
                await _record_problem(write, each, problem)
            elif holds and (id := await _start(write, entry, each, facts)) is not None:
                ids.append(id)
        spent += MAX_ROW_WORK - allowance.left
        if spent >= MAX_ROW_WORK:
            return number, ids
    return len(entries), ids


async def _record_problem(write: Write, ready: ActiveTrigger, problem: str) -> None:
    log.warning("a trigger starts no run", extra={"workflow": ready.key, "problem": problem})
    await rows.write_problem(write.transaction, ready.workflow_id, problem, datetime.now(UTC))
    write.tables.add("workflow_trigger_problems")


async def _start(write: Write, entry: OutboxEntry, ready: ActiveTrigger, facts: TriggerContext) -> str | None:
    cause = facts.cause_run_id or await _cause(write, entry)
    chain = list(await rows.fetch_chain(write.transaction, cause, MAX_CHAIN_LENGTH)) if cause is not None else []
    if problem := _find_cycle(ready, chain):
        write.record_change(engine.TABLE, engine.ENTITY, str(cause), None, {"notStarted": ready.key, "reason": problem})
        await _record_problem(write, ready, problem)
        return None
    # Responsible are the principal that made the change, the initiators of the run that caused it, and those who acted
    # on that run.
    initiators = {entry.actor} - {""}
    if cause is not None:
        initiators |= set(await rows.fetch_initiators(write.transaction, cause, acted=True))
    # The run and its messages have the request id of the original request.
    call = RequestContext(
        request_id=entry.request_id or write.context.request.request_id, deadline=write.context.request.deadline
    )
    context = _context(write.context.sources, call)
    starting = StartRequest(
        ready.workflow_id,
        facts.incident_id,
        facts.configuration_item_id,
        trigger_key=ready.trigger_key(entry),
        # A cause that is not the id of a run is ignored.
        cause_run_id=cause if chain else None,
        initiators=tuple(sorted(initiators)),
    )
    try:
        return await start(Write(context, write.action, write.transaction, write.audit_entries, write.tables), starting)
    except ValidationFailed as refused:
        # Nothing was written: a start is refused before its first row.
        await _record_problem(write, ready, str(refused))
        return None


async def _cause(write: Write, entry: OutboxEntry) -> str | None:
    """Return the run that caused a change, if any. A request id is evaluated only if an executor sent it."""
    if entry.cause_run_id is not None or not entry.by_executor:
        return entry.cause_run_id
    if entry.request_id.startswith(engine.REQUEST_ID_PREFIX):
        try:
            return str(UUID(entry.request_id.removeprefix(engine.REQUEST_ID_PREFIX)))
        except ValueError:
            return None
    if not entry.request_id or entry.step == "CREATED":
        return None
    return await rows.find_cause(write.transaction, entry.entity_id, entry.request_id)


def _find_cycle(ready: ActiveTrigger, chain: Sequence[str]) -> str | None:
    """Return why a workflow must not run after the ones that led to a change (last one first); None if it may."""
    if ready.key in chain:
        return f"{ready.key} would start itself: {format_cycle([*chain[chain.index(ready.key) :: -1], ready.key])}"
    if len(chain) >= MAX_CHAIN_LENGTH:
        return f"more than {MAX_CHAIN_LENGTH} runs would lead to one another: {format_cycle([*chain[::-1], ready.key])}"
    return None
