"""The tables that change together, by the entity in the outbox."""

from collections.abc import Iterable

# A write changes the row of an entity and the rows that belong to it in one transaction. Only the entity is in the
# outbox, so all its tables are stale.
TABLES_BY_ENTITY = {
    "CONFIGURATION_ITEM": ("configuration_items", "configuration_item_keys"),
    "RELATIONSHIP": ("relationships", "redundancy_groups"),
    "INCIDENT": ("incidents", "incident_activities", "incident_configuration_items", "alerts"),
    "CHANGE": ("changes", "change_configuration_items"),
    "TEAM": ("teams", "team_memberships"),
    "USER": ("users", "team_memberships"),
    "WORKFLOW": ("workflows", "workflow_steps", "workflow_configuration_items", "workflow_trigger_problems"),
    "REQUIREMENT": ("requirements", "requirement_configuration_items"),
    # A run writes activities of its incident.
    "WORKFLOW_RUN": (
        "workflow_runs", "workflow_step_runs", "workflow_approvals", "workflow_run_blast_radii", "incident_activities",
    ),
}  # fmt: skip

# Tables on which cached walks depend: the graph is a copy of them.
TRAVERSAL_TABLES = ("relationships",)


def stale_tables(entities: Iterable[str]) -> list[str]:
    """Return the names of the stale tables, sorted. An unknown entity, from a newer version, has none."""
    return sorted({table for entity in entities for table in TABLES_BY_ENTITY.get(entity, ())})
