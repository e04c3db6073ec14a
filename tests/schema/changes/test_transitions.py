"""The states of a change against a plain model."""

from typing import Any

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.principal import Principal
from tests.fixtures.lifecycle import Lifecycle, check_lifecycle
from tests.fixtures.writing import ADA, BOB, item

# By state, written down a second time and by hand: what is allowed, and where it leads. Work ends in two ways.
WORDS = {"updateChange": "PROPOSED", "linkChangeItems": "PROPOSED", "unlinkChangeItems": "PROPOSED"}
ALLOWED: dict[str, dict[str, str]] = {
    "PROPOSED": WORDS | {"approveChange": "APPROVED", "cancelChange": "CANCELLED"},
    "APPROVED": {"scheduleChange": "SCHEDULED", "startChange": "IN_PROGRESS", "cancelChange": "CANCELLED"},
    "SCHEDULED": {"scheduleChange": "SCHEDULED", "startChange": "IN_PROGRESS", "cancelChange": "CANCELLED"},
    "IN_PROGRESS": {"finishChange": "COMPLETED", "finishChange in vain": "FAILED"},
    "COMPLETED": {},
    "FAILED": {},
    "CANCELLED": {},
}
PLAN = {"plannedStart": "2026-05-01T08:00:00Z", "plannedEnd": "2026-05-01T09:00:00Z"}
STEPS: dict[str, dict[str, Any]] = {
    "updateChange": {"risk": "LOW"},
    "linkChangeItems": {"configurationItemIds": [item(1)]},
    "unlinkChangeItems": {"configurationItemIds": []},
    "approveChange": {},
    "scheduleChange": PLAN,
    "startChange": {},
    "finishChange": {"outcome": "COMPLETED"},
    "finishChange in vain": {"outcome": "FAILED"},
    "cancelChange": {},
}
TIMES = {
    "scheduleChange": "plannedStart", "startChange": "actualStart", "finishChange": "actualEnd",
    "finishChange in vain": "actualEnd",
}  # fmt: skip


class ChangeLifecycle(Lifecycle):
    """A change, which Ada proposes and Bob approves."""

    table, allowed, inputs, times = "changes", ALLOWED, STEPS, TIMES
    walk = (
        "updateChange", "linkChangeItems", "approveChange", "scheduleChange", "scheduleChange", "startChange",
        "finishChange in vain",
    )  # fmt: skip

    def create(self) -> Any:
        return self.do("proposeChange", title="A life").shown

    def caller(self, field: str) -> Principal:
        return BOB if field == "approveChange" else ADA


def test_changes_live_by_the_table(postgres: EmbeddedPostgres) -> None:
    check_lifecycle(ChangeLifecycle, postgres)
