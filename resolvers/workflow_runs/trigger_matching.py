"""Match published triggers with an outbox entry: all conditions must hold, those on items for one item together."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.workflow_runs import triggers as rows
from datasources.aurora.workflow_runs import writes
from datasources.aurora.workflow_runs.triggers import OutboxEntry, PublishedTrigger
from datasources.aurora.workflow_runs.writes import CauseContext, IncidentContext, ItemContext
from datasources.records.queries import Scope
from datasources.records.unreadable import readable
from datasources.records.workflow_runs import WorkflowRunState
from resolvers.workflow_runs.expression_context import MAX_ITEMS, UNRESTRICTED, incident_value, item_value
from resolvers.workflows.definition import Trigger, TriggerEvent
from resolvers.workflows.expressions.expression import MAX_WORK, InvalidExpression, SharedBudget, compile_expression

log = logging.getLogger("stackflow.workflows")

_EVENTS = {
    ("INCIDENT", "CREATED"): TriggerEvent.INCIDENT_OPENED,
    ("INCIDENT", "CHANGED"): TriggerEvent.INCIDENT_CHANGED,
    ("CONFIGURATION_ITEM", "CREATED"): TriggerEvent.ITEM_CREATED,
    ("CONFIGURATION_ITEM", "CHANGED"): TriggerEvent.ITEM_CHANGED,
    ("WORKFLOW_RUN", "CHANGED"): TriggerEvent.RUN_FINISHED,
}
# Changes can occur repeatedly; each other event occurs once for each record.
_REPEATED = frozenset({TriggerEvent.INCIDENT_CHANGED, TriggerEvent.ITEM_CHANGED})

_ENDED = frozenset({WorkflowRunState.SUCCEEDED, WorkflowRunState.FAILED, WorkflowRunState.CANCELLED})
# Incidents that were over before they arrived, such as imported ones of last year, are not reported as opened.
_OVER = frozenset({"RESOLVED", "CLOSED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class TriggerContext:
    """The current data about an outbox entry, without the texts of an incident."""

    incident: IncidentContext | None = None
    items: Sequence[ItemContext] = ()
    cause: CauseContext | None = None
    # The incident and item of a new run, and the run that caused it.
    incident_id: str | None = None
    configuration_item_id: str | None = None
    cause_run_id: str | None = None
    # The incident of the entry, directly or by a run for it.
    about: IncidentContext | None = None


@dataclass(frozen=True, slots=True)
class ActiveTrigger:
    """A valid trigger of a published workflow, and the scope of its publisher."""

    workflow_id: str
    key: str
    trigger: Trigger
    scope: Scope

    def can_see(self, known: TriggerContext) -> bool:
        """Whether the publisher can see the record of the entry."""
        return known.about is None or known.about.is_visible_to(self.scope)

    def trigger_key(self, entry: OutboxEntry) -> str:
        """Return the trigger key of a run: there is at most one run for it."""
        name = f"{self.key} {self.trigger.event.value} {entry.entity_id}"
        return f"{name} {entry.transaction}" if self.trigger.event in _REPEATED else name


@dataclass(frozen=True, slots=True)
class Triggers:
    """All published triggers, and the pairs of a class that they name and its subclasses."""

    ready: Mapping[TriggerEvent, Sequence[ActiveTrigger]] = field(default_factory=dict)
    below: Collection[tuple[str, str]] = ()

    def for_entry(self, entry: OutboxEntry) -> Sequence[ActiveTrigger]:
        """Return the triggers for the event of this entry."""
        event = _EVENTS.get((entry.kind, entry.step))
        return () if event is None else self.ready.get(event, ())


async def load_triggers(transaction: Transaction) -> Triggers:
    """Load the valid triggers; an invalid one is logged, and the `problems` of its workflow give the reason."""
    ready: dict[TriggerEvent, list[ActiveTrigger]] = {}
    for each in await rows.fetch_published(transaction):
        if (trigger := _read(each)) is not None:
            ready.setdefault(trigger.event, []).append(
                ActiveTrigger(each.workflow_id, each.key, trigger, Scope(each.sees_restricted, tuple(each.team_keys)))
            )
    classes = {each.trigger.class_key for some in ready.values() for each in some} - {None}
    below = await rows.fetch_descendants(transaction, [each for each in classes if each]) if classes else set()
    return Triggers(ready, below)


def _read(published: PublishedTrigger) -> Trigger | None:
    try:
        return msgspec.convert(published.trigger, Trigger)
    except msgspec.ValidationError as error:
        log.error("a trigger cannot be read", extra={"workflow": published.key, "problem": str(error)})
        return None


async def load_trigger_context(transaction: Transaction, entry: OutboxEntry) -> TriggerContext | None:
    """Load the current data of an entry; None if the record is gone or no longer matches the event."""
    if entry.kind == "INCIDENT":
        incident = await writes.fetch_incident(transaction, entry.entity_id, UNRESTRICTED)
        if incident is None or (entry.step == "CREATED" and incident.state in _OVER):
            return None
        items = await writes.fetch_items(transaction, None, incident.id, MAX_ITEMS)
        # A run gets the item of an incident only if there is exactly one.
        item_id = items[0].id if len(items) == 1 else None
        return TriggerContext(incident, items, None, incident.id, item_id, about=incident)
    if entry.kind == "CONFIGURATION_ITEM":
        items = await writes.fetch_items(transaction, entry.entity_id, None, 1)
        return TriggerContext(None, items, None, None, entry.entity_id) if items else None
    run = await rows.fetch_run(transaction, entry.entity_id)
    if run is None or run.state not in _ENDED:
        return None
    cause = await writes.fetch_cause(transaction, run.id)
    about = None if run.incident_id is None else await writes.fetch_incident(transaction, run.incident_id, UNRESTRICTED)
    return TriggerContext(None, (), cause, run.incident_id, run.configuration_item_id, run.id, about)


def match_triggers(
    several: Sequence[ActiveTrigger], known: TriggerContext, below: Collection[tuple[str, str]], allowance: SharedBudget
) -> list[tuple[ActiveTrigger, bool, str]]:
    """Return each trigger with whether all its conditions hold, and why its expression has no value, if so.

    Each expression may use an equal share of the remaining allowance, so that none starts without budget. Call it in a
    thread: expressions take processor time.
    """
    waiting = sum(each.trigger.when is not None for each in several)
    matches: list[tuple[ActiveTrigger, bool, str]] = []
    for each in several:
        text, holds, problem = each.trigger.when, _is_match(each.trigger, known, below), ""
        if holds and text is not None:
            share = SharedBudget(min(MAX_WORK, allowance.left // waiting))
            before = share.left
            try:
                holds = _is_true(text, known, share)
            except InvalidExpression as error:
                holds, problem = False, f"the expression of when has no value: {error}"
            allowance.left -= before - share.left
        waiting -= text is not None
        matches.append((each, holds, problem))
    return matches


def _is_match(trigger: Trigger, known: TriggerContext, below: Collection[tuple[str, str]]) -> bool:
    if known.incident is not None:
        if trigger.priority and known.incident.priority not in trigger.priority:
            return False
        if trigger.category is not None and known.incident.category != trigger.category:
            return False
    if trigger.event is TriggerEvent.RUN_FINISHED and (
        known.cause is None or known.cause.workflow not in trigger.workflows
    ):
        return False
    asks_item = trigger.class_key is not None or trigger.environment or trigger.labels
    return not asks_item or any(_is_item_match(trigger, item, below) for item in known.items)


def _is_item_match(trigger: Trigger, item: ItemContext, below: Collection[tuple[str, str]]) -> bool:
    return (
        (trigger.class_key is None or (trigger.class_key, item.class_key) in below)
        and (not trigger.environment or item.environment in trigger.environment)
        and all(readable(item.attributes).get(name) == value for name, value in trigger.labels.items())
    )


def _is_true(text: str, known: TriggerContext, allowance: SharedBudget) -> bool:
    values: dict[str, Any] = {"items": [item_value(item) for item in known.items]}
    if known.incident is not None:
        values["incident"] = incident_value(known.incident)
    if known.cause is not None:
        values["cause"] = known.cause._asdict()
    value = compile_expression(text).evaluate(values, allowance)
    if not isinstance(value, bool):
        raise InvalidExpression("its value is neither true nor false")
    return value
