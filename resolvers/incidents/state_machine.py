"""The state machine of incidents, and the priority matrix."""

from datasources.records.incidents import IncidentState
from resolvers.state_machine import Transition, define_state_machine

NEW = IncidentState.NEW
IN_PROGRESS = IncidentState.IN_PROGRESS
ON_HOLD = IncidentState.ON_HOLD
RESOLVED = IncidentState.RESOLVED
CLOSED = IncidentState.CLOSED
CANCELLED = IncidentState.CANCELLED

ACTIVE_STATES = (NEW, IN_PROGRESS, ON_HOLD)
OPEN_STATES = (*ACTIVE_STATES, RESOLVED)
ALL_STATES = (*OPEN_STATES, CLOSED, CANCELLED)

STATE_MACHINE = define_state_machine(
    Transition("startIncident", (NEW,), (IN_PROGRESS,), activity_kind="Started"),
    Transition("holdIncident", (IN_PROGRESS,), (ON_HOLD,), activity_kind="Held"),
    Transition("resumeIncident", (ON_HOLD,), (IN_PROGRESS,), activity_kind="Resumed"),
    Transition(
        "resolveIncident", (IN_PROGRESS, ON_HOLD), (RESOLVED,), stamps=("resolved_at",), activity_kind="Resolved"
    ),
    Transition(
        "reopenIncident",
        (RESOLVED,),
        (IN_PROGRESS,),
        stamps=("reopened_at",),
        clears=("resolved_at",),
        activity_kind="Reopened",
    ),
    Transition("closeIncident", (RESOLVED,), (CLOSED,), stamps=("closed_at",), activity_kind="Closed"),
    Transition("cancelIncident", ACTIVE_STATES, (CANCELLED,), activity_kind="Cancelled"),
    Transition("updateIncident", OPEN_STATES, activity_kind="Updated"),
    Transition("assignIncident", ACTIVE_STATES, activity_kind="Assigned"),
    Transition("linkIncidentItems", OPEN_STATES, activity_kind="Items linked"),
    Transition("unlinkIncidentItems", OPEN_STATES, activity_kind="Items unlinked"),
    Transition("addIncidentNote", ALL_STATES, activity_kind="Note"),
)

# Rows are impacts 1 to 5, columns urgencies 1 to 5; 1 is the highest. When two priorities apply, the higher one wins,
# and a higher impact or urgency never results in a lower priority.
PRIORITY_MATRIX = (
    (1, 1, 2, 2, 3),
    (1, 2, 2, 3, 3),
    (2, 2, 3, 3, 4),
    (2, 3, 3, 4, 4),
    (3, 3, 4, 4, 5),
)


def derive_priority(impact: int, urgency: int) -> int:
    """Return the priority for an impact and an urgency, each from 1 to 5."""
    return PRIORITY_MATRIX[impact - 1][urgency - 1]
