"""The life of an incident as data, and how urgent it is."""

from datasources.records.incidents import IncidentState
from resolvers.state_machine import Step, lifecycle

NEW, IN_PROGRESS, ON_HOLD = IncidentState.NEW, IncidentState.IN_PROGRESS, IncidentState.ON_HOLD
RESOLVED, CLOSED, CANCELLED = IncidentState.RESOLVED, IncidentState.CLOSED, IncidentState.CANCELLED

WORKED_ON = (NEW, IN_PROGRESS, ON_HOLD)
OPEN = (*WORKED_ON, RESOLVED)
ALWAYS = (*OPEN, CLOSED, CANCELLED)

LIFE = lifecycle(
    Step("startIncident", (NEW,), (IN_PROGRESS,), kind="Started"),
    Step("holdIncident", (IN_PROGRESS,), (ON_HOLD,), kind="Held"),
    Step("resumeIncident", (ON_HOLD,), (IN_PROGRESS,), kind="Resumed"),
    Step("resolveIncident", (IN_PROGRESS, ON_HOLD), (RESOLVED,), stamps=("resolved_at",), kind="Resolved"),
    Step(
        "reopenIncident", (RESOLVED,), (IN_PROGRESS,), stamps=("reopened_at",), clears=("resolved_at",), kind="Reopened"
    ),
    Step("closeIncident", (RESOLVED,), (CLOSED,), stamps=("closed_at",), kind="Closed"),
    Step("cancelIncident", WORKED_ON, (CANCELLED,), kind="Cancelled"),
    Step("updateIncident", OPEN, kind="Updated"),
    Step("assignIncident", WORKED_ON, kind="Assigned"),
    Step("linkIncidentItems", OPEN, kind="Items linked"),
    Step("unlinkIncidentItems", OPEN, kind="Items unlinked"),
    Step("addIncidentNote", ALWAYS, kind="Note"),
)

# Rows are impacts 1 to 5, columns urgencies 1 to 5; 1 is the gravest. Between two priorities the graver one is taken,
# and neither a graver impact nor a greater urgency ever lowers it.
PRIORITIES = (
    (1, 1, 2, 2, 3),
    (1, 2, 2, 3, 3),
    (2, 2, 3, 3, 4),
    (2, 3, 3, 4, 4),
    (3, 3, 4, 4, 5),
)


def priority(impact: int, urgency: int) -> int:
    """What comes of impact and urgency, each from 1 to 5."""
    return PRIORITIES[impact - 1][urgency - 1]
