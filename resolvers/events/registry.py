"""Every type of events: the landscape's, and the operations, one entry each.

A new type of operations is a module with its struct and its work, and one entry of OPERATIONS; then
`python -m resolvers.events.registry` writes its JSON Schema.
"""

from pathlib import Path
from typing import Any

import msgspec

from resolvers.events import alert_types as alert
from resolvers.events import alerts, changes, incidents, workflow_steps
from resolvers.events import change_types as change
from resolvers.events import incident_types as incident
from resolvers.events.landscape_types import EVENT_TYPE_PREFIX, LANDSCAPE_TYPES
from resolvers.events.operation import Operation

OPERATIONS: dict[str, Operation[Any]] = {
    EVENT_TYPE_PREFIX + "incident.opened": Operation(
        incident.IncidentOpened, incidents.handle_opened, incidents.entity_of
    ),
    EVENT_TYPE_PREFIX + "incident.updated": Operation(
        incident.IncidentUpdated, incidents.handle_updated, incidents.entity_of
    ),
    EVENT_TYPE_PREFIX + "incident.resolved": Operation(
        incident.IncidentResolved, incidents.handle_resolved, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.reopened": Operation(
        incident.IncidentReopened, incidents.handle_reopened, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.closed": Operation(
        incident.IncidentClosed, incidents.handle_closed, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.cancelled": Operation(
        incident.IncidentCancelled, incidents.handle_cancelled, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.noted": Operation(incident.IncidentNoted, incidents.handle_noted),
    EVENT_TYPE_PREFIX + "change.proposed": Operation(change.ChangeProposed, changes.handle_proposed, changes.entity_of),
    EVENT_TYPE_PREFIX + "change.scheduled": Operation(
        change.ChangeScheduled, changes.handle_scheduled, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "change.started": Operation(
        change.ChangeStarted, changes.handle_started, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "change.finished": Operation(
        change.ChangeFinished, changes.handle_finished, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "change.cancelled": Operation(
        change.ChangeCancelled, changes.handle_cancelled, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "alert.fired": Operation(alert.AlertFired, alerts.handle_fired),
    EVENT_TYPE_PREFIX + "alert.resolved": Operation(alert.AlertResolved, alerts.handle_resolved),
    EVENT_TYPE_PREFIX + "workflow.step.finished": Operation(
        workflow_steps.StepFinished, workflow_steps.handle_finished
    ),
}

EVENT_TYPES: dict[str, type[msgspec.Struct]] = {
    **LANDSCAPE_TYPES,
    **{name: operation.data for name, operation in OPERATIONS.items()},
}

SCHEMAS = Path(__file__).parent / "schemas"


def export_schemas() -> dict[str, bytes]:
    """The JSON Schema of the data of each type, by the name of its file."""
    return {
        f"{name.removeprefix(EVENT_TYPE_PREFIX)}.json": msgspec.json.format(
            msgspec.json.encode(
                {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name} | msgspec.json.schema(data)
            ),
            indent=2,
        )
        + b"\n"
        for name, data in EVENT_TYPES.items()
    }


if __name__ == "__main__":
    for file, schema in export_schemas().items():
        (SCHEMAS / file).write_bytes(schema)
