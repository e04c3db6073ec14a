"""The states of a requirement against a plain model."""

from typing import Any
from uuid import uuid4

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.requirements import RequirementState
from tests.fixtures.lifecycle import Lifecycle, check_lifecycle
from tests.fixtures.operations import Operations
from tests.fixtures.writing import Writer, item

TRACES = ("requirements", "requirement_configuration_items", "outbox", "audit_entries")

# By state, written down a second time and by hand: what is allowed, and where it leads.
ALLOWED: dict[str, dict[str, str]] = {
    "PROPOSED": {
        "updateRequirement": "PROPOSED", "linkRequirementItems": "PROPOSED", "unlinkRequirementItems": "PROPOSED",
        "acceptRequirement": "ACCEPTED", "rejectRequirement": "REJECTED", "withdrawRequirement": "WITHDRAWN",
    },
    "ACCEPTED": {
        "updateRequirement": "ACCEPTED", "linkRequirementItems": "ACCEPTED", "unlinkRequirementItems": "ACCEPTED",
        "meetRequirement": "MET", "withdrawRequirement": "WITHDRAWN",
    },
    "MET": {"unlinkRequirementItems": "MET", "reopenRequirement": "ACCEPTED", "withdrawRequirement": "WITHDRAWN"},
    "REJECTED": {"reconsiderRequirement": "PROPOSED"},
    "WITHDRAWN": {"reconsiderRequirement": "PROPOSED"},
}  # fmt: skip
STEPS: dict[str, dict[str, Any]] = {
    "updateRequirement": {"priority": "LOW"},
    "linkRequirementItems": {"configurationItemIds": [item(1)]},
    "unlinkRequirementItems": {"configurationItemIds": []},
    "acceptRequirement": {},
    "rejectRequirement": {},
    "meetRequirement": {},
    "reopenRequirement": {},
    "withdrawRequirement": {},
    "reconsiderRequirement": {},
}


class RequirementLifecycle(Lifecycle):
    """A requirement, in a database of its own."""

    table, allowed, inputs = "requirements", ALLOWED, STEPS
    # Meets every state and every step.
    walk = (
        "updateRequirement", "rejectRequirement", "reconsiderRequirement", "linkRequirementItems", "acceptRequirement",
        "meetRequirement", "reopenRequirement", "meetRequirement", "unlinkRequirementItems", "withdrawRequirement",
        "reconsiderRequirement",
    )  # fmt: skip

    @classmethod
    def open_writer(cls, operations: Operations) -> Writer:
        return Writer(operations.sources, operations.requirements_url, TRACES)

    def create(self) -> Any:
        return self.do("createRequirement", key=f"life-{uuid4()}", title="A life").shown


def test_requirements_live_by_the_table(postgres: EmbeddedPostgres) -> None:
    assert set(ALLOWED) == set(RequirementState)
    check_lifecycle(RequirementLifecycle, postgres)
