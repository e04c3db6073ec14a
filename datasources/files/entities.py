"""The entities of imports, with the fields that a mapping may set, their kinds and limits."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "time", "integer", "choice", "list", "document", "switch"]

# Characters. Keys and names are in B-tree indexes (2,704 bytes per entry); prose is in a tsvector (1 MB).
MAX_SHORT_CHARACTERS = 500
MAX_PROSE_CHARACTERS = 200_000
MAX_BODY_CHARACTERS = 1_000_000
# UTF-8 bytes of all texts of one B-tree index entry, which has at most 2,704 bytes including headers.
MAX_INDEXED_BYTES = 2_600
# Bytes of JSON in one attribute document.
MAX_DOCUMENT_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class ImportField:
    """One field of an entity. `limit` is in characters (bytes of JSON for documents); `low` and `high` bound integers.

    `origin` marks a field that names an identification source; its default is the source of the mapping.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    values: tuple[str, ...] = ()
    limit: int = MAX_SHORT_CHARACTERS
    low: int = 0
    high: int = 2_147_483_647
    origin: bool = False


@dataclass(frozen=True, slots=True)
class ImportEntity:
    """One kind of record. `ordered` names pairs of time fields of which the second must not be earlier than the first.

    `indexed` names fields whose texts share one index entry.
    """

    name: str
    fields: tuple[ImportField, ...]
    database: Literal["main", "requirements"] = "main"
    attributes: bool = False
    ordered: tuple[tuple[str, str], ...] = ()
    indexed: tuple[str, ...] = ()

    def field(self, name: str) -> ImportField | None:
        """Return the field with that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


def _key(name: str) -> ImportField:
    return ImportField(name, required=True)


def _text(*names: str, limit: int = MAX_SHORT_CHARACTERS) -> tuple[ImportField, ...]:
    return tuple(ImportField(name, limit=limit) for name in names)


def _times(*names: str) -> tuple[ImportField, ...]:
    return tuple(ImportField(name, "time") for name in names)


def _choice(name: str, values: str, *, required: bool = False) -> ImportField:
    return ImportField(name, "choice", required=required, values=tuple(values.split()))


def _grade(name: str) -> ImportField:
    return ImportField(name, "integer", low=1, high=5)


_ITEM = (ImportField("item_source", origin=True), _key("item"))
_PROSE = _text("description", limit=MAX_PROSE_CHARACTERS)
_WORKFLOW = (_key("workflow"), ImportField("revision", "integer", low=1))

ENTITIES: dict[str, ImportEntity] = {
    entity.name: entity
    for entity in (
        ImportEntity("teams", (_key("key"), *_text("name", "contact"), *_PROSE)),
        ImportEntity("users", (_key("key"), *_text("name", "email"), ImportField("active", "switch"))),
        ImportEntity("memberships", (_key("team"), _key("user"), _choice("role", "MEMBER LEAD"))),
        ImportEntity("classes", (_key("key"), *_text("parent", "name"), *_PROSE)),
        ImportEntity(
            "relationship_types",
            (
                _key("key"),
                *_text("label", "inverse_label"),
                _choice("impact", "FORWARD REVERSE NONE", required=True),
                *_PROSE,
            ),
        ),
        ImportEntity(
            "configuration_items",
            (
                ImportField("source", origin=True),
                _key("key"),
                ImportField("keys", "document", limit=MAX_DOCUMENT_BYTES),
                ImportField("name"),
                ImportField("class"),
                _choice("status", "PLANNED ACTIVE MAINTENANCE RETIRED"),
                _choice("environment", "PRODUCTION STAGING TEST DEVELOPMENT UNKNOWN"),
                _choice("criticality", "LOW MEDIUM HIGH CRITICAL"),
                ImportField("owner"),
            ),
            attributes=True,
        ),
        ImportEntity(
            "redundancy_groups", (*_ITEM, _key("name"), ImportField("needed", "integer", required=True, low=1))
        ),
        ImportEntity(
            "relationships",
            (
                ImportField("source", origin=True),
                ImportField("from_source", origin=True),
                _key("from"),
                ImportField("to_source", origin=True),
                _key("to"),
                _key("type"),
                ImportField("group"),
            ),
            attributes=True,
        ),
        ImportEntity(
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
        ImportEntity("change_items", (_key("change"), *_ITEM)),
        ImportEntity(
            "incidents",
            (
                _key("number"),
                *_text("title", "category", "team", "assignee", "restricted_team", "change", "resolution_code"),
                *_text("description", "resolution", limit=MAX_PROSE_CHARACTERS),
                _choice("state", "NEW IN_PROGRESS ON_HOLD RESOLVED CLOSED CANCELLED"),
                _grade("impact"),
                _grade("urgency"),
                _grade("priority"),
                *_times("opened_at", "reopened_at", "resolved_at", "closed_at"),
            ),
            attributes=True,
        ),
        ImportEntity("incident_items", (_key("incident"), *_ITEM, _choice("role", "AFFECTED CAUSE", required=True))),
        ImportEntity(
            "activities",
            (
                _key("incident"),
                _key("key"),
                _key("kind"),
                *_text("body", limit=MAX_BODY_CHARACTERS),
                *_text("team", "user", "document"),
                ImportField("happened_at", "time", required=True),
            ),
        ),
        ImportEntity(
            "documents",
            (
                _key("key"),
                ImportField("source", origin=True),
                _choice("kind", "RUNBOOK KNOWLEDGE"),
                ImportField("title"),
                *_text("body", limit=MAX_BODY_CHARACTERS),
                *_text("team", "restricted_team"),
            ),
        ),
        ImportEntity("document_items", (_key("document"), *_ITEM)),
        ImportEntity(
            "workflows",
            (
                _key("key"),
                ImportField("revision", "integer", low=1),
                ImportField("name"),
                *_PROSE,
                _choice("state", "DRAFT PUBLISHED RETIRED"),
                ImportField("trigger", "document", limit=MAX_DOCUMENT_BYTES),
            ),
        ),
        ImportEntity(
            "workflow_steps",
            (
                *_WORKFLOW,
                _key("key"),
                ImportField("position", "integer", required=True),
                ImportField("name"),
                _choice("kind", "MANUAL APPROVAL REMEDIATION NOTIFICATION", required=True),
                ImportField("depends_on", "list", limit=MAX_PROSE_CHARACTERS),
                ImportField("configuration", "document", limit=MAX_DOCUMENT_BYTES),
            ),
        ),
        ImportEntity("workflow_items", (*_WORKFLOW, *_ITEM)),
        ImportEntity(
            "workflow_runs",
            (
                _key("number"),
                *_WORKFLOW,
                *_text("incident", "item", "started_by"),
                ImportField("item_source", origin=True),
                _choice("state", "RUNNING WAITING SUCCEEDED FAILED CANCELLED"),
                *_times("started_at", "finished_at"),
            ),
        ),
        ImportEntity(
            "step_runs",
            (
                _key("run"),
                _key("step"),
                ImportField("attempt", "integer", low=1),
                _choice("state", "PENDING RUNNING WAITING SUCCEEDED FAILED SKIPPED CANCELLED"),
                *_times("started_at", "finished_at"),
                ImportField("outcome", "document", limit=MAX_DOCUMENT_BYTES),
            ),
        ),
        ImportEntity(
            "approvals",
            (
                _key("run"),
                _key("step"),
                ImportField("attempt", "integer", low=1),
                _key("user"),
                _choice("decision", "APPROVED REJECTED", required=True),
                *_text("comment", limit=MAX_PROSE_CHARACTERS),
                ImportField("decided_at", "time"),
            ),
        ),
        ImportEntity(
            "requirements",
            (
                _key("key"),
                ImportField("title"),
                *_PROSE,
                _choice("kind", "FUNCTIONAL AVAILABILITY PERFORMANCE SECURITY COMPLIANCE"),
                _choice("state", "PROPOSED ACCEPTED MET REJECTED WITHDRAWN"),
                _choice("priority", "LOW MEDIUM HIGH CRITICAL"),
            ),
            database="requirements",
        ),
        ImportEntity(
            "requirement_items",
            (_key("requirement"), *_ITEM),
            database="requirements",
            indexed=("item_source", "item"),
        ),
    )
}
