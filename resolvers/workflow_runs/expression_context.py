"""The data of incidents and items that expressions of a run can use, and the values of these expressions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.workflow_runs import writes as rows
from datasources.aurora.workflow_runs.writes import CauseContext, IncidentContext, ItemContext
from datasources.records.queries import Scope
from datasources.records.unreadable import UnreadableValue, readable
from datasources.records.workflow_runs import LockedRunRecord
from resolvers.workflow_runs.state_machine import Attempts, ExpressionFailed
from resolvers.workflows.definition import Definition, Notification, Remediation, Step
from resolvers.workflows.expressions.expression import MAX_WORK, InvalidExpression, SharedBudget, compile_expression
from resolvers.workflows.expressions.thread import run_in_thread

# Maximum number of items that an expression can use.
MAX_ITEMS = 500

# Any caller that may complete a step advances the run; the data for its expressions must not depend on the caller.
UNRESTRICTED = Scope(sees_restricted=True)

# Budget for all expressions of one advance, about 1 s: those of the steps that start together.
MAX_ADVANCE_WORK = 5 * MAX_WORK

# In bytes of JSON, for the content of a message to an executor. The limit of a queue is 256 KB in total.
MAX_CONTENT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ExpressionContext:
    """The incident, the item of the run itself, the items for expressions, and the run that caused this one."""

    incident: IncidentContext | None = None
    item: ItemContext | None = None
    items: Sequence[ItemContext] = ()
    cause: CauseContext | None = None
    # The publisher of the workflow cannot see the incident: expressions and messages contain nothing of it.
    hidden: bool = False


async def load_context(transaction: Transaction, run: LockedRunRecord, definition: Definition) -> ExpressionContext:
    """Load the current data; the items of an incident only if an expression uses them."""
    incident = (
        None if run.incident_id is None else await rows.fetch_incident(transaction, run.incident_id, UNRESTRICTED)
    )
    cause = None if run.cause_run_id is None else await rows.fetch_cause(transaction, run.cause_run_id)
    # The incident may have been restricted since the run started.
    if incident is not None and incident.is_restricted and not await _is_visible(transaction, run, incident):
        return ExpressionContext(incident, None, (), cause, hidden=True)
    if run.configuration_item_id is not None:
        items = await rows.fetch_items(transaction, run.configuration_item_id, None, 1)
        return ExpressionContext(incident, items[0] if items else None, items, cause)
    items = []
    if run.incident_id is not None and "items" in await run_in_thread(roots, definition):
        items = await rows.fetch_items(transaction, None, run.incident_id, MAX_ITEMS)
    return ExpressionContext(incident, None, items, cause)


async def _is_visible(transaction: Transaction, run: LockedRunRecord, incident: IncidentContext) -> bool:
    return incident.is_visible_to(await rows.fetch_publisher_scope(transaction, run.workflow_id))


def roots(definition: Definition) -> frozenset[str]:
    """Return the root names that the expressions of a definition's steps use; invalid expressions are skipped."""
    names: set[str] = set()
    for text in (text for step in definition.steps for text in _texts(step)):
        try:
            names.update(path[0] for path in compile_expression(text).paths)
        except InvalidExpression:
            # The step with this expression fails with the reason.
            continue
    return frozenset(names)


@dataclass(slots=True)
class ExpressionEvaluator:
    """Evaluates the expressions of a run for its state machine."""

    run: LockedRunRecord
    facts: ExpressionContext
    _allowance: SharedBudget = field(default_factory=lambda: SharedBudget(MAX_ADVANCE_WORK), init=False)
    _shared: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        facts, cause = self.facts, self.facts.cause
        self._shared = {
            "inputs": self.run.inputs,
            "items": [item_value(each) for each in facts.items],
            "run": {
                "number": self.run.number,
                "requestedBy": self.run.requested_by,
                "cause": None if cause is None else cause._asdict(),
            },
        }
        if cause is not None:
            self._shared["cause"] = cause._asdict()
        if facts.incident is not None and not facts.hidden:
            self._shared["incident"] = incident_value(facts.incident)

    def is_condition_met(self, step: Step, before: Attempts) -> bool:
        """See `state_machine.ExpressionValues`."""
        if step.configuration.when is None:
            return True
        value = self._value(step.configuration.when, before, "when")
        if not isinstance(value, bool):
            raise ExpressionFailed("the value of when is neither true nor false")
        return value

    def content(self, step: Step, before: Attempts) -> Any:
        """See `state_machine.ExpressionValues`."""
        configuration = step.configuration
        content: Any = None
        if isinstance(configuration, Remediation):
            content = {name: self._value(text, before, f"inputs.{name}") for name, text in configuration.inputs.items()}
        if isinstance(configuration, Notification) and configuration.message is not None:
            content = self._value(configuration.message, before, "message")
            if not isinstance(content, str):
                raise ExpressionFailed("the value of message is not a text; convert it with string(...)")
        if len(msgspec.json.encode(content)) > MAX_CONTENT_BYTES:
            raise ExpressionFailed(f"the values of its expressions exceed {MAX_CONTENT_BYTES:,} bytes; reduce them")
        return content

    def _value(self, text: str, before: Attempts, name: str) -> Any:
        documents = {"inputs": self.run.inputs} | {f"steps.{key}.outcome": last.outcome for key, last in before.items()}
        for what, document in documents.items():
            if isinstance(document, UnreadableValue):
                raise ExpressionFailed(
                    f"the expression of {name} has no value: {what} can't be read: {document.reason}"
                )
        steps = {key: {"outcome": last.outcome, "state": last.state.value} for key, last in before.items()}
        try:
            return compile_expression(text).evaluate(self._shared | {"steps": steps}, self._allowance)
        except InvalidExpression as error:
            raise ExpressionFailed(f"the expression of {name} has no value: {error}") from error


def incident_value(incident: IncidentContext) -> Mapping[str, Any]:
    """Return an incident as expressions see it, without its texts."""
    value = incident._asdict() | {"restricted": incident.is_restricted}
    del value["id"], value["restricted_team"]
    return value


def item_value(item: ItemContext) -> Mapping[str, Any]:
    """Return an item as expressions see it; its labels are the attributes with text values."""
    return {
        "id": f"ci_{item.id}",
        "name": item.name,
        "class": item.class_key,
        "environment": item.environment,
        "criticality": item.criticality,
        "status": item.status,
        "labels": {name: value for name, value in readable(item.attributes).items() if isinstance(value, str)},
    }


def _texts(step: Step) -> list[str]:
    configuration = step.configuration
    texts = [configuration.when]
    if isinstance(configuration, Remediation):
        texts += configuration.inputs.values()
    if isinstance(configuration, Notification):
        texts.append(configuration.message)
    return [text for text in texts if text is not None]
