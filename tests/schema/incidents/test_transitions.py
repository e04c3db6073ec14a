"""The states of an incident against a plain model."""

from typing import Any

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.lifecycle import Lifecycle, check_lifecycle
from tests.fixtures.writing import item, team

# By state, written down a second time and by hand: what is allowed, and where it leads.
ALLOWED: dict[str, dict[str, str]] = {
    "NEW": {"startIncident": "IN_PROGRESS", "cancelIncident": "CANCELLED"},
    "IN_PROGRESS": {"holdIncident": "ON_HOLD", "resolveIncident": "RESOLVED", "cancelIncident": "CANCELLED"},
    "ON_HOLD": {"resumeIncident": "IN_PROGRESS", "resolveIncident": "RESOLVED", "cancelIncident": "CANCELLED"},
    "RESOLVED": {"reopenIncident": "IN_PROGRESS", "closeIncident": "CLOSED"},
    "CLOSED": {},
    "CANCELLED": {},
}
for state, steps in ALLOWED.items():
    steps["addIncidentNote"] = state
    if state not in {"CLOSED", "CANCELLED"}:
        steps.update(dict.fromkeys(("updateIncident", "linkIncidentItems", "unlinkIncidentItems"), state))
    if state in {"NEW", "IN_PROGRESS", "ON_HOLD"}:
        steps["assignIncident"] = state

KINDS = {
    "startIncident": "Started", "holdIncident": "Held", "resumeIncident": "Resumed", "resolveIncident": "Resolved",
    "reopenIncident": "Reopened", "closeIncident": "Closed", "cancelIncident": "Cancelled",
    "updateIncident": "Updated", "assignIncident": "Assigned", "addIncidentNote": "Note",
    "linkIncidentItems": "Items linked", "unlinkIncidentItems": "Items unlinked",
}  # fmt: skip

ITEMS = {"role": "AFFECTED", "configurationItemIds": []}
INPUTS: dict[str, dict[str, Any]] = {
    "resolveIncident": {"resolutionCode": "FIXED", "resolution": "Restarted."},
    "updateIncident": {"category": "web"},
    "assignIncident": {"teamId": team(1)},
    "addIncidentNote": {"note": "noted"},
    "linkIncidentItems": ITEMS | {"configurationItemIds": [item(1)]},
    "unlinkIncidentItems": ITEMS,
}
STEPS = {step: INPUTS.get(step, {}) for step in KINDS}
TIMES = {"reopenIncident": "reopenedAt", "resolveIncident": "resolvedAt", "closeIncident": "closedAt"}


class IncidentLifecycle(Lifecycle):
    """An incident; its timeline has an activity for each step."""

    table, allowed, inputs, times = "incidents", ALLOWED, STEPS, TIMES
    walk = (
        "startIncident", "holdIncident", "resumeIncident", "resolveIncident", "reopenIncident", "holdIncident",
        "resolveIncident", "closeIncident", "addIncidentNote",
    )  # fmt: skip

    def create(self) -> Any:
        self.kinds = ["Opened"]
        return self.do("openIncident", title="A life").shown

    def advance(self, step: str) -> None:
        super().advance(step)
        self.kinds.append(KINDS[step])
        if step == "reopenIncident":
            self.is_set["resolvedAt"] = False

    def check(self) -> None:
        super().check()
        assert [each["kind"] for each in self.shown["activities"]] == self.kinds
        assert (self.shown["resolutionCode"] == "FIXED") == self.is_set["resolvedAt"]


def test_incidents_live_by_the_table(postgres: EmbeddedPostgres) -> None:
    check_lifecycle(IncidentLifecycle, postgres)
