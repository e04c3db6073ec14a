"""Registry of all event types: landscape types and operations.

To add an operations type, write a module with its struct and its handler, and add one entry to OPERATIONS; then
`python -m resolvers.events.registry` writes its JSON Schema.
"""

from pathlib import Path
from typing import Any

import msgspec

from resolvers.events.handlers import (
    alert_types,
    alerts,
    change_types,
    changes,
    incident_types,
    incidents,
    workflow_steps,
)
from resolvers.events.handlers.landscape_types import EVENT_TYPE_PREFIX, LANDSCAPE_TYPES
from resolvers.events.operation import Operation

OPERATIONS: dict[str, Operation[Any]] = {
    EVENT_TYPE_PREFIX + "incident.opened": Operation(
        incident_types.IncidentOpened, incidents.handle_opened, incidents.entity_of
    ),
    EVENT_TYPE_PREFIX + "incident.updated": Operation(
        incident_types.IncidentUpdated, incidents.handle_updated, incidents.entity_of
    ),
    EVENT_TYPE_PREFIX + "incident.resolved": Operation(
        incident_types.IncidentResolved, incidents.handle_resolved, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.reopened": Operation(
        incident_types.IncidentReopened, incidents.handle_reopened, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.closed": Operation(
        incident_types.IncidentClosed, incidents.handle_closed, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.cancelled": Operation(
        incident_types.IncidentCancelled, incidents.handle_cancelled, incidents.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "incident.noted": Operation(incident_types.IncidentNoted, incidents.handle_noted),
    EVENT_TYPE_PREFIX + "change.proposed": Operation(
        change_types.ChangeProposed, changes.handle_proposed, changes.entity_of
    ),
    EVENT_TYPE_PREFIX + "change.scheduled": Operation(
        change_types.ChangeScheduled, changes.handle_scheduled, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "change.started": Operation(
        change_types.ChangeStarted, changes.handle_started, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "change.finished": Operation(
        change_types.ChangeFinished, changes.handle_finished, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "change.cancelled": Operation(
        change_types.ChangeCancelled, changes.handle_cancelled, changes.entity_of, is_step=True
    ),
    EVENT_TYPE_PREFIX + "alert.fired": Operation(alert_types.AlertFired, alerts.handle_fired),
    EVENT_TYPE_PREFIX + "alert.resolved": Operation(alert_types.AlertResolved, alerts.handle_resolved),
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
    """Return the JSON Schema of the data of each type, by file name."""
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
