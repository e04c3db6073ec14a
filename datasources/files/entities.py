"""What an import can bring: each entity with the fields a mapping may give, their kinds and their bounds."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "time", "integer", "choice", "list", "document", "switch"]

# Characters. Keys and names stand in btree indexes, whose rows end at 2,704 bytes; prose feeds a tsvector (1 MB).
SHORT = 500
PROSE = 200_000
BODY = 1_000_000
# UTF-8 bytes of the texts that stand together in one btree index: its rows end at 2,704 bytes, less their headers.
INDEXED = 2_600
# Bytes of JSON in one attribute document.
DOCUMENT = 1_048_576


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity. `limit` is in characters (bytes of JSON for documents); `low` and `high` bound integers.

    `origin` marks a field that names an identification source and falls back to the mapping's own.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    values: tuple[str, ...] = ()
    limit: int = SHORT
    low: int = 0
    high: int = 2_147_483_647
    origin: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record. `ordered` names pairs of time fields of which the second may not be the earlier.

    `indexed` names fields whose texts stand together in one index.
    """

    name: str
    fields: tuple[Field, ...]
    database: Literal["main", "requirements"] = "main"
    attributes: bool = False
    ordered: tuple[tuple[str, str], ...] = ()
    indexed: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


def _key(name: str) -> Field:
    return Field(name, required=True)


def _text(*names: str, limit: int = SHORT) -> tuple[Field, ...]:
    return tuple(Field(name, limit=limit) for name in names)


def _times(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "time") for name in names)


def _choice(name: str, values: str, *, required: bool = False) -> Field:
    return Field(name, "choice", required=required, values=tuple(values.split()))


def _grade(name: str) -> Field:
    return Field(name, "integer", low=1, high=5)


_ITEM = (Field("item_source", origin=True), _key("item"))
_PROSE = _text("description", limit=PROSE)
_WORKFLOW = (_key("workflow"), Field("revision", "integer", low=1))

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        Entity("teams", (_key("key"), *_text("name", "contact"), *_PROSE)),
        Entity("users", (_key("key"), *_text("name", "email"), Field("active", "switch"))),
        Entity("memberships", (_key("team"), _key("user"), _choice("role", "MEMBER LEAD"))),
        Entity("classes", (_key("key"), *_text("parent", "name"), *_PROSE)),
        Entity(
            "relationship_types",
            (
                _key("key"),
                *_text("label", "inverse_label"),
                _choice("impact", "FORWARD REVERSE NONE", required=True),
                *_PROSE,
            ),
        ),
        Entity(
            "configuration_items",
            (
                Field("source", origin=True),
                _key("key"),
                Field("keys", "document", limit=DOCUMENT),
                Field("name"),
                Field("class"),
                _choice("status", "PLANNED ACTIVE MAINTENANCE RETIRED"),
                _choice("environment", "PRODUCTION STAGING TEST DEVELOPMENT UNKNOWN"),
                _choice("criticality", "LOW MEDIUM HIGH CRITICAL"),
                Field("owner"),
            ),
            attributes=True,
        ),
        Entity("redundancy_groups", (*_ITEM, _key("name"), Field("needed", "integer", required=True, low=1))),
        Entity(
            "relationships",
            (
                Field("source", origin=True),
                Field("from_source", origin=True),
                _key("from"),
                Field("to_source", origin=True),
                _key("to"),
                _key("type"),
                Field("group"),
            ),
            attributes=True,
        ),
        Entity(
            "changes",
            (
                _key("number"),
                *_text("title", "team", "assignee"),
                *_PROSE,
                _choice("type", "STANDARD NORMAL EMERGENCY"),
                _choice("state", "PROPOSED APPROVED SCHEDULED IN_PROGRESS COMPLETED FAILED CANCELLED"),
                _choice("risk", "LOW MEDIUM HIGH UNKNOWN"),
                *_times("planned_start", "planned_end", "actual_start", "actual_end"),
            ),
            ordered=(("planned_start", "planned_end"), ("actual_start", "actual_end")),
        ),
        Entity("change_items", (_key("change"), *_ITEM)),
        Entity(
            "incidents",
            (
                _key("number"),
                *_text("title", "category", "team", "assignee", "restricted_team", "change", "resolution_code"),
                *_text("description", "resolution", limit=PROSE),
                _choice("state", "NEW IN_PROGRESS ON_HOLD RESOLVED CLOSED CANCELLED"),
                _grade("impact"),
                _grade("urgency"),
                _grade("priority"),
                *_times("opened_at", "reopened_at", "resolved_at", "closed_at"),
            ),
            attributes=True,
        ),
        Entity("incident_items", (_key("incident"), *_ITEM, _choice("role", "AFFECTED CAUSE", required=True))),
        Entity(
            "activities",
            (
                _key("incident"),
                _key("key"),
                _key("kind"),
                *_text("body", limit=BODY),
                *_text("team", "user", "document"),
                Field("happened_at", "time", required=True),
            ),
        ),
        Entity(
            "documents",
            (
                _key("key"),
                Field("source", origin=True),
                _choice("kind", "RUNBOOK KNOWLEDGE"),
                Field("title"),
                *_text("body", limit=BODY),
            ),
        ),
        Entity("document_items", (_key("document"), *_ITEM)),
        Entity(
            "workflows",
            (
                _key("key"),
                Field("revision", "integer", low=1),
                Field("name"),
                *_PROSE,
                _choice("state", "DRAFT PUBLISHED RETIRED"),
                Field("trigger", "document", limit=DOCUMENT),
            ),
        ),
        Entity(
            "workflow_steps",
            (
                *_WORKFLOW,
                _key("key"),
                Field("position", "integer", required=True),
                Field("name"),
                _choice("kind", "MANUAL APPROVAL REMEDIATION NOTIFICATION", required=True),
                Field("depends_on", "list", limit=PROSE),
                Field("configuration", "document", limit=DOCUMENT),
            ),
        ),
        Entity("workflow_items", (*_WORKFLOW, *_ITEM)),
        Entity(
            "workflow_runs",
            (
                _key("number"),
                *_WORKFLOW,
                *_text("incident", "item", "started_by"),
                Field("item_source", origin=True),
                _choice("state", "RUNNING WAITING SUCCEEDED FAILED CANCELLED"),
                *_times("started_at", "finished_at"),
            ),
        ),
        Entity(
            "step_runs",
            (
                _key("run"),
                _key("step"),
                Field("attempt", "integer", low=1),
                _choice("state", "PENDING RUNNING WAITING SUCCEEDED FAILED SKIPPED CANCELLED"),
                *_times("started_at", "finished_at"),
                Field("outcome", "document", limit=DOCUMENT),
            ),
        ),
        Entity(
            "approvals",
            (
                _key("run"),
                _key("step"),
                Field("attempt", "integer", low=1),
                _key("user"),
                _choice("decision", "APPROVED REJECTED", required=True),
                *_text("comment", limit=PROSE),
                Field("decided_at", "time"),
            ),
        ),
        Entity(
            "requirements",
            (
                _key("key"),
                Field("title"),
                *_PROSE,
                _choice("kind", "FUNCTIONAL AVAILABILITY PERFORMANCE SECURITY COMPLIANCE"),
                _choice("state", "PROPOSED ACCEPTED MET REJECTED WITHDRAWN"),
                _choice("priority", "LOW MEDIUM HIGH CRITICAL"),
            ),
            database="requirements",
        ),
        Entity(
            "requirement_items",
            (_key("requirement"), *_ITEM),
            database="requirements",
            indexed=("item_source", "item"),
        ),
    )
}
