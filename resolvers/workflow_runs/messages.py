"""Messages to executors: remediation steps in a queue for the priority of the run, and notifications."""

from typing import Any

import msgspec

from datasources.aurora.workflow_runs.writes import OutgoingMessage
from datasources.records.workflow_runs import LockedRunRecord
from resolvers.workflow_runs.expression_context import ExpressionContext
from resolvers.workflow_runs.state_machine import StartedAttempt
from resolvers.workflows.definition import Definition, Notification, Remediation

# Names of the queues that the worker opens.
URGENT_QUEUE = "remediation-p1"
STANDARD_QUEUE = "remediation-standard"
NOTIFICATIONS_QUEUE = "notifications"

# The type of the event that reports the result of a remediation.
FINISHED_EVENT_TYPE = "io.stackflow.workflow.step.finished"


def build_message(
    definition: Definition, run: LockedRunRecord, facts: ExpressionContext, begun: StartedAttempt, request_id: str
) -> OutgoingMessage | None:
    """Return the message of a started attempt; None for steps without an executor. Its id is the attempt's id."""
    configuration, attempt = begun.step.configuration, begun.attempt
    body: dict[str, Any] = {
        "id": attempt.id,
        "run": run.number,
        "workflow": definition.key,
        "revision": definition.revision,
        "step": begun.step.key,
        "priority": run.priority,
        "incident": None if facts.incident is None or facts.hidden else facts.incident.number,
        "configurationItem": None if facts.item is None else {"id": f"ci_{facts.item.id}", "name": facts.item.name},
        "requestId": request_id,
    }
    if isinstance(configuration, Remediation):
        body |= {
            "action": configuration.action,
            "inputs": begun.content,
            "attempt": attempt.attempt,
            "attempts": configuration.retry.attempts,
            "deadline": attempt.due_at,
            "replyWith": FINISHED_EVENT_TYPE,
        }
        if facts.hidden:
            body["blastRadius"] = None
        queue = URGENT_QUEUE if run.priority == 1 else STANDARD_QUEUE
    elif isinstance(configuration, Notification):
        body |= {"channel": configuration.channel, "message": begun.content}
        queue = NOTIFICATIONS_QUEUE
    else:
        return None
    text = msgspec.json.encode(body).decode()
    return OutgoingMessage(id=attempt.id, queue=queue, group=run.id, body=text, request_id=request_id)
