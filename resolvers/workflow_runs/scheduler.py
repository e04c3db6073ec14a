"""Scheduler rounds for runs: advance due runs, compute blast radii, and send messages.

Each round can be interrupted at any point and can run in many processes at once. `now` is for tests.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from datasources.aurora.outbox import bookkeeping
from datasources.aurora.outbox.bookkeeping import Origin
from datasources.aurora.workflow_runs import schedule
from datasources.aurora.workflow_runs import writes as rows
from datasources.aurora.workflow_runs.schedule import PendingBlastRadius, PendingMessage
from datasources.errors import SourceError, SourceInvalidValue, SourceTimeout
from datasources.graph.port import MAX_NODES, Direction, Walk
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.graph.recursive.impact import ImpactTables
from datasources.observability.exceptions import describe, report
from datasources.queues.port import Disposition, Message, MessageFailure, NewMessage, Queue
from datasources.records.queries import Scope
from datasources.request import RequestContext, current_request, use_request
from datasources.sources import Sources
from datasources.supervisor import CaughtError, attempt
from resolvers.context import Context, SystemPrincipal
from resolvers.impact.complete_impact import assess_complete_impact, unpack_id
from resolvers.unit_of_work import Write, WriteResult, run_write
from resolvers.workflow_runs import engine
from resolvers.workflow_runs.state_machine import LIVE_STATES
from resolvers.workflows.definition import InvalidDefinition

log = logging.getLogger("stackflow.workflows")

# Maximum numbers of runs, walks and messages in one round.
MAX_RUNS = 100
MAX_WALKS = 20
MAX_MESSAGES = 100
# Maximum depth of a blast radius, in hops.
MAX_HOPS = 10
# Maximum number of reached items that are stored, and of names of critical ones.
MAX_STORED_ITEMS = 100
MAX_CRITICAL_NAMES = 100
# How long a sent message is retained.
MESSAGE_RETENTION = timedelta(days=7)
# Maximum number of messages that one statement deletes.
DELETE_BATCH_SIZE = 5_000


class AdvanceRun(msgspec.Struct, frozen=True):
    """Advance a run because of the time."""

    run_id: str


async def advance_due(sources: Sources, now: datetime | None = None, max_runs: int = MAX_RUNS) -> int:
    """Advance runs that are due: timeouts, ends of waits, next attempts. Return their number. Skips locked runs."""
    moment = now or datetime.now(UTC)
    async with sources.main.transaction() as transaction:
        due = await rows.fetch_due(transaction, moment, max_runs)
    moved = 0
    late: SourceTimeout | None = None
    for id in due:
        if current_request().remaining() == 0:
            # The remaining runs are due in the next round too.
            break
        try:
            outcome = await attempt(partial(_advance, sources, id, moment))
        except SourceTimeout as timeout:
            # The run itself may be the cause: advance those behind it first.
            late = timeout
            continue
        written = await _set_aside(sources, id, outcome, moment) if isinstance(outcome, CaughtError) else outcome
        moved += len(written.ids)
        for error in written.user_errors:
            log.error("a run cannot go on", extra={"run": id, "problem": error.message})
    if late is not None:
        raise late
    return moved


async def _set_aside(sources: Sources, id: str, fault: CaughtError, now: datetime) -> WriteResult:
    """End a run as FAILED after an unexpected error, so that it blocks no other."""
    report(log, "a run fails", fault.error, "workflows", run=id)
    reason = f"it cannot continue: {describe(fault.error)}; the log has the traceback"

    async def work(write: Write) -> Sequence[str]:
        run = await rows.lock_if_free(write.transaction, id)
        if run is None or run.state not in LIVE_STATES:
            return []
        return [(await engine.fail_run(write, run, reason, now)).id]

    context = _context(sources, id)
    with use_request(context.request):
        written = await attempt(partial(run_write, context, "AdvanceWorkflowRun", AdvanceRun(id), work))
    if not isinstance(written, CaughtError):
        return written
    # Its row cannot be read either: update only its state.
    report(log, "a run is set aside", written.error, "workflows", run=id)
    async with sources.main.transaction() as transaction:
        await schedule.fail_run(transaction, id, reason, now)
        await bookkeeping.write_origin(transaction, Origin(context.request.request_id, cause_run_id=id))
    await sources.cache.invalidate([engine.TABLE, engine.ATTEMPTS_TABLE])
    return WriteResult((id,))


async def _advance(sources: Sources, id: str, now: datetime) -> WriteResult:
    async def work(write: Write) -> Sequence[str]:
        run = await rows.lock_if_free(write.transaction, id)
        if run is None or run.state not in LIVE_STATES:
            return []
        try:
            running = await engine.load_run(write, run, now)
        except InvalidDefinition as unreadable:
            return [(await engine.fail_unreadable(write, run, unreadable, now)).id]
        after = await engine.advance_run(write, running)
        return [] if after is run else [after.id]

    context = _context(sources, id)
    with use_request(context.request):
        return await run_write(context, "AdvanceWorkflowRun", AdvanceRun(id), work)


async def walk_failures(sources: Sources, now: datetime | None = None, most: int = MAX_WALKS) -> int:
    """Compute the blast radii of new runs and return the number of stored ones.

    They are computed from the tables, which are complete: a remediation neither waits for an unavailable graph nor uses
    a partial result.
    """
    moment = now or datetime.now(UTC)
    async with sources.main.transaction() as transaction:
        due = await schedule.fetch_pending_blast_radii(transaction, most)
    outcome = await attempt(partial(_walk, sources, due, moment))
    if not isinstance(outcome, CaughtError):
        return outcome
    stored = 0
    for each in due:
        outcome = await attempt(partial(_walk, sources, [each], moment))
        if isinstance(outcome, CaughtError):
            # Messages of the run wait for a blast radius, so an empty and truncated one is stored.
            report(log, "a failure cannot be walked", outcome.error, "workflows", run=each.run_id)
            outcome = await _store_blast_radius(sources, each.run_id, (), moment, truncated=True)
        stored += outcome
    if stored:
        await sources.cache.invalidate(["workflow_run_blast_radii"])
    return stored


async def _walk(sources: Sources, due: Sequence[PendingBlastRadius], now: datetime) -> int:
    if not due:
        return 0
    # All are computed before the first is written: if one fails, nothing is written.
    walked = [await _find_reached(sources, each.item_ids) for each in due]
    stored = 0
    for each, (reached, truncated) in zip(due, walked, strict=True):
        stored += await _store_blast_radius(sources, each.run_id, reached, now, truncated=truncated)
    await sources.cache.invalidate(["workflow_run_blast_radii"])
    return stored


async def _find_reached(sources: Sources, failed: Sequence[str]) -> tuple[list[tuple[str, int]], bool]:
    """Return reached items with their hops, in order, and whether there may be more."""
    walk = Walk(Direction.DEPENDENTS, max_depth=MAX_HOPS, max_nodes=MAX_NODES)
    try:
        impact = await assess_complete_impact(ImpactTables(sources.main), failed, walk)
    except SourceTimeout as error:
        log.warning("a blast radius is cut: %s", error)
        impact = None
    if impact is not None:
        return [(unpack_id(id), depth) for id, depth in zip(impact.ids, impact.depths, strict=True)], False
    [reach] = await RecursiveGraph(sources.main).reach([frozenset(failed)], walk)
    return [(node.id, node.depth) for node in reach.nodes], True


async def _store_blast_radius(
    sources: Sources, run_id: str, reached: Sequence[tuple[str, int]], now: datetime, *, truncated: bool
) -> bool:
    async with sources.main.transaction() as transaction:
        critical = await schedule.fetch_critical_names(transaction, [id for id, _ in reached], MAX_CRITICAL_NAMES)
        is_stored = await schedule.store_blast_radius(
            transaction, run_id, reached[:MAX_STORED_ITEMS], critical, now, total=len(reached), truncated=truncated
        )
        await bookkeeping.write_origin(transaction, Origin(f"{engine.REQUEST_ID_PREFIX}{run_id}", cause_run_id=run_id))
    return is_stored


async def send_messages(
    sources: Sources, queues: Mapping[str, Queue], now: datetime | None = None, most: int = MAX_MESSAGES
) -> int:
    """Send pending messages to their queues in order, at most `most` to each; return the number of sent ones.

    A message whose attempt was cancelled is not sent. Delivery is at least once: a crash between a queue and the table
    sends a message again, with the same id. An unavailable queue holds back only its own messages; its SourceError is
    raised after the others are sent. A message that can never be sent becomes a dead letter of its queue.
    """
    moment = now or datetime.now(UTC)
    count = 0
    lost: SourceError | None = None
    async with sources.main.transaction() as transaction:
        if not await schedule.lock_sending(transaction):
            return 0
        done: list[int] = []
        for name, queue in queues.items():
            waiting = await schedule.fetch_pending_messages(transaction, name, most)
            try:
                failures = await _send(queue, [each for each in waiting if each.wanted])
                if failures:
                    await queue.add_dead_letters(failures)
            except SourceError as error:
                lost = error
            else:
                done += [each.position for each in waiting]
                count += sum(each.wanted for each in waiting) - len(failures)
        if done:
            await schedule.mark_sent(transaction, done, moment)
    if lost is not None:
        raise lost
    return count


async def _send(queue: Queue, messages: Sequence[PendingMessage]) -> list[MessageFailure]:
    """Send messages in order; return those that are invalid, or that the queue rejects because of their content."""
    outcome = await attempt(partial(_send_all, queue, messages))
    if not isinstance(outcome, CaughtError):
        return []
    if len(messages) > 1:
        middle = len(messages) // 2
        return await _send(queue, messages[:middle]) + await _send(queue, messages[middle:])
    if isinstance(outcome.error, SourceError) and not isinstance(outcome.error, SourceInvalidValue):
        # The queue rejects every message: missing permissions, for example, or no such queue.
        raise outcome.error
    [message] = messages
    report(log, "a message cannot be sent", outcome.error, "workflows", sending=message.id)
    reason = f"it cannot be sent: {describe(outcome.error)}"
    return [
        MessageFailure(
            Message(id=message.id, group=message.group, body=message.body, attempt=1, request_id=message.request_id),
            reason,
            Disposition.DEAD_LETTER,
        )
    ]


async def _send_all(queue: Queue, messages: Sequence[PendingMessage]) -> None:
    await queue.send([_sending(each) for each in messages])


async def delete_sent_messages(sources: Sources, now: datetime | None = None) -> int:
    """Delete messages whose retention period is over; return their number."""
    async with sources.main.transaction() as transaction:
        return await schedule.purge_messages(
            transaction, (now or datetime.now(UTC)) - MESSAGE_RETENTION, DELETE_BATCH_SIZE
        )


def _context(sources: Sources, run_id: str) -> Context:
    # The request id names the run, so that readers of the outbox know which run wrote; triggers use only the cause.
    return Context(
        SystemPrincipal("engine", "workflows"),
        Scope(sees_restricted=True),
        sources,
        RequestContext(request_id=f"{engine.REQUEST_ID_PREFIX}{run_id}", cause_run_id=run_id),
    )


def _sending(message: PendingMessage) -> NewMessage:
    body = msgspec.json.decode(message.body)
    if message.total is not None and "replyWith" in body and "blastRadius" not in body:
        body["blastRadius"] = {"total": message.total, "critical": message.critical}
    return NewMessage(
        group=message.group, deduplication_id=message.id, body=msgspec.json.encode(body).decode(),
        request_id=message.request_id,
    )  # fmt: skip
