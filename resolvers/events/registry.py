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
from resolvers.events.landscape_types import LANDSCAPE, PREFIX
from resolvers.events.operation import Operation

OPERATIONS: dict[str, Operation[Any]] = {
    PREFIX + "incident.opened": Operation(incident.IncidentOpened, incidents.opened, incidents.about),
    PREFIX + "incident.updated": Operation(incident.IncidentUpdated, incidents.updated, incidents.about),
    PREFIX + "incident.resolved": Operation(
        incident.IncidentResolved, incidents.resolved, incidents.about, is_step=True
    ),
    PREFIX + "incident.reopened": Operation(
        incident.IncidentReopened, incidents.reopened, incidents.about, is_step=True
    ),
    PREFIX + "incident.closed": Operation(incident.IncidentClosed, incidents.closed, incidents.about, is_step=True),
    PREFIX + "incident.cancelled": Operation(
        incident.IncidentCancelled, incidents.cancelled, incidents.about, is_step=True
    ),
    PREFIX + "incident.noted": Operation(incident.IncidentNoted, incidents.noted),
    PREFIX + "change.proposed": Operation(change.ChangeProposed, changes.proposed, changes.about),
    PREFIX + "change.scheduled": Operation(change.ChangeScheduled, changes.scheduled, changes.about, is_step=True),
    PREFIX + "change.started": Operation(change.ChangeStarted, changes.started, changes.about, is_step=True),
    PREFIX + "change.finished": Operation(change.ChangeFinished, changes.finished, changes.about, is_step=True),
    PREFIX + "change.cancelled": Operation(change.ChangeCancelled, changes.cancelled, changes.about, is_step=True),
    PREFIX + "alert.fired": Operation(alert.AlertFired, alerts.fired),
    PREFIX + "alert.resolved": Operation(alert.AlertResolved, alerts.resolved),
    PREFIX + "workflow.step.finished": Operation(workflow_steps.StepFinished, workflow_steps.finished),
}

TYPES: dict[str, type[msgspec.Struct]] = {
    **LANDSCAPE,
    **{name: operation.data for name, operation in OPERATIONS.items()},
}

SCHEMAS = Path(__file__).parent / "schemas"


def exported() -> dict[str, bytes]:
    """The JSON Schema of the data of each type, by the name of its file."""
    return {
        f"{name.removeprefix(PREFIX)}.json": msgspec.json.format(
            msgspec.json.encode(
                {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name} | msgspec.json.schema(data)
            ),
            indent=2,
        )
        + b"\n"
        for name, data in TYPES.items()
    }


if __name__ == "__main__":
    for file, schema in exported().items():
        (SCHEMAS / file).write_bytes(schema)
