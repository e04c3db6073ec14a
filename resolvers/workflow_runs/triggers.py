"""Triggers: what the outbox tells starts runs, each exactly once, and none that would start itself.

The place in the outbox moves in the transaction that starts the runs, and each run is named by what it is wanted for:
a crash, or a second worker, starts nothing twice and leaves nothing out.
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
from datasources.aurora.workflow_runs.triggers import Entry
from datasources.observability.exceptions import describe, report
from datasources.records.queries import Scope
from datasources.request import Call, calling, current_call
from datasources.sources import Sources
from datasources.supervisor import Fault, attempt
from resolvers.context import Context, Unattended
from resolvers.unit_of_work import Refused, Write, Written, write
from resolvers.workflow_runs import engine
from resolvers.workflow_runs.start import Starting, start
from resolvers.workflow_runs.trigger_matching import Known, Ready, judged, known, published
from resolvers.workflows.dependencies import named
from resolvers.workflows.expressions.expression import WORK, Allowance
from resolvers.workflows.expressions.thread import in_thread

log = logging.getLogger("stackflow.workflows")

READER = "workflow-triggers"
# Under which name the rows that were passed over stand among the dead letters.
DEAD = "workflow-triggers"
# Rows of the outbox of one transaction.
BATCH = 200
# Work of the expressions of all triggers about one row, and after which a round ends: some 4 s.
ROW_WORK = 20 * WORK
# Runs that may lead to one another.
DEEPEST = 8


class TriggerWorkflows(Struct, frozen=True):
    """Runs are to be started for what happened."""


async def round(sources: Sources) -> int:
    """Start runs for what happened since the last round; how many rows of the outbox were looked at, at most 200.

    The first round of all looks at nothing: what happened before starts no runs. SourceUnavailable if a store is lost.
    A row for which the store refuses to start a run, or that raises, is passed over: an error in the log, and a dead
    letter of the queue `workflow-triggers` with the reason. The others go on.
    """
    if not await rows.is_behind(sources.main, READER):
        return 0
    read, refused = await _tried(sources, BATCH)
    if not refused:
        return read
    done = 0
    while done < BATCH:
        read, refused = await _tried(sources, 1)
        if refused:
            read = await _pass_over(sources, refused)
        if not read:
            break
        done += read
    return done


async def _tried(sources: Sources, most: int) -> tuple[int, str]:
    """How many rows were looked at, and why none was: then all is as it was before."""
    outcome = await attempt(partial(_batch, sources, most))
    if not isinstance(outcome, Fault):
        if most == 1 and outcome[1]:
            log.error("a change starts no runs", extra={"problem": outcome[1]})
        return outcome
    if most == 1:
        report(log, "a change starts no runs", outcome.error, "workflows")
    return 0, describe(outcome.error)


async def _pass_over(sources: Sources, reason: str) -> int:
    """Move the place behind the next row and keep the row among the dead letters; how many rows that were, 1 or 0."""
    async with sources.main.transaction() as transaction:
        place = await rows.locked(transaction, READER)
        entries = [] if place is None else await rows.after(transaction, place, 1)
        for entry in entries:
            body = msgspec.json.encode({
                "entity": entry.kind, "entityId": entry.entity_id, "change": entry.step,
                "transaction": entry.transaction, "position": entry.position,
            }).decode()  # fmt: skip
            await rows.bury(transaction, DEAD, str(uuid7()), entry, body, f"it starts no runs: {reason}")
            await rows.move(transaction, READER, entry.place)
    return len(entries)


async def _batch(sources: Sources, most: int) -> tuple[int, str]:
    """How many rows were looked at, and what was refused: then all is as it was before."""
    looked = 0

    async def work(write: Write) -> Sequence[str]:
        nonlocal looked
        looked = 0
        transaction = write.transaction
        place = await rows.locked(transaction, READER)
        if place is None:
            await rows.begin(transaction, READER)
            return []
        entries = await rows.after(transaction, place, most)
        if not entries:
            return []
        looked, started = await _started(write, entries)
        await rows.move(transaction, READER, entries[looked - 1].place)
        return started

    context = _context(sources, Call(deadline=current_call().deadline))
    with calling(context.call):
        written = await write(context, "TriggerWorkflows", TriggerWorkflows(), work)
    return looked, _problem(written)


def _problem(written: Written) -> str:
    return "; ".join(error.message for error in written.user_errors)


def _context(sources: Sources, call: Call) -> Context:
    return Context(Unattended("engine", "triggers"), Scope(sees_restricted=True), sources, call)


async def _started(write: Write, entries: Sequence[Entry]) -> tuple[int, list[str]]:
    """How many rows were looked at, at least one, and the runs that were started. It ends early where expressions took
    much work: what is left waits for the next round."""
    triggers = await published(write.transaction)
    ids: list[str] = []
    spent = 0
    for number, entry in enumerate(entries, start=1):
        ready = triggers.of(entry)
        if not ready:
            continue
        facts = await known(write.transaction, entry)
        if facts is None:
            continue
        visible = [each for each in ready if each.sees(facts)]
        allowance = Allowance(ROW_WORK)
        for each, holds, problem in await in_thread(judged, visible, facts, triggers.below, allowance):
            if problem:
                await _told(write, each, problem)
            elif holds and (id := await _start(write, entry, each, facts)) is not None:
                ids.append(id)
        spent += ROW_WORK - allowance.left
        if spent >= ROW_WORK:
            return number, ids
    return len(entries), ids


async def _told(write: Write, ready: Ready, problem: str) -> None:
    log.warning("a trigger starts no run", extra={"workflow": ready.key, "problem": problem})
    await rows.write_problem(write.transaction, ready.workflow_id, problem, datetime.now(UTC))
    write.tables.add("workflow_trigger_problems")


async def _start(write: Write, entry: Entry, ready: Ready, facts: Known) -> str | None:
    cause = facts.cause_run_id or await _cause(write, entry)
    chain = list(await rows.chain(write.transaction, cause, DEEPEST)) if cause is not None else []
    if problem := _ring(ready, chain):
        write.changed(engine.TABLE, engine.ENTITY, str(cause), None, {"notStarted": ready.key, "reason": problem})
        await _told(write, ready, problem)
        return None
    # Who changed something stands behind what it leads to, with those behind the run that led there and those who acted
    # on it.
    initiators = {entry.actor} - {""}
    if cause is not None:
        initiators |= set(await rows.initiators(write.transaction, cause, acted=True))
    # The run and its messages carry the name of the request that everything began with.
    call = Call(request_id=entry.request_id or write.context.call.request_id, deadline=write.context.call.deadline)
    context = _context(write.context.sources, call)
    starting = Starting(
        ready.workflow_id,
        facts.incident_id,
        facts.configuration_item_id,
        trigger_key=ready.trigger_key(entry),
        # A name that no run has leads to nothing.
        cause_run_id=cause if chain else None,
        initiators=tuple(sorted(initiators)),
    )
    try:
        return await start(Write(context, write.action, write.transaction, write.entries, write.tables), starting)
    except Refused as refused:
        # Nothing of it was written: it is refused before its first row.
        await _told(write, ready, str(refused))
        return None


async def _cause(write: Write, entry: Entry) -> str | None:
    """The run on whose behalf something was changed, if there is one. A request id counts where an executor sent it."""
    if entry.cause_run_id is not None or not entry.by_executor:
        return entry.cause_run_id
    if entry.request_id.startswith(engine.CAUSED):
        try:
            return str(UUID(entry.request_id.removeprefix(engine.CAUSED)))
        except ValueError:
            return None
    if not entry.request_id or entry.step == "CREATED":
        return None
    return await rows.cause(write.transaction, entry.entity_id, entry.request_id)


def _ring(ready: Ready, chain: Sequence[str]) -> str | None:
    """Why a workflow must not follow those that led to a change, the last one first; None if it may."""
    if ready.key in chain:
        return f"{ready.key} would start itself: {named([*chain[chain.index(ready.key) :: -1], ready.key])}"
    if len(chain) >= DEEPEST:
        return f"more than {DEEPEST} runs would lead to one another: {named([*chain[::-1], ready.key])}"
    return None
