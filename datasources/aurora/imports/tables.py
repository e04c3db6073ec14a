"""The target of each imported entity: its table, its columns, its identity, and its version columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from datasources.aurora.statements import Statement, statements
from datasources.files.entities import ENTITIES

_PENDING = "WHEN w.pending THEN 'pending'"
# Columns that a change updates besides the mapped ones; in tables with history the trigger does so.
_BUMPS = {
    "": (),
    "version": ("version = t.version + 1",),
    "update": ("version = t.version + 1", "updated_at = now()"),
}


@dataclass(frozen=True, slots=True)
class ImportTable:
    """The table of an entity. `match` joins a planned row to its stored one; `identity` finds duplicates in a file.

    `columns` are all that an import writes, keys included. `owner` is the SQL of the record that a waiting link belongs
    to. All names are constants of this module, never of a mapping.
    """

    entity: str
    name: str
    columns: tuple[str, ...]
    domain: str
    match: tuple[str, ...] = ("id",)
    identity: tuple[str, ...] = ("key",)
    bump: Literal["", "version", "update"] = ""
    before: str = ""
    different: str = ""
    owner: str = ""

    @property
    def can_wait(self) -> bool:
        """True if a row may wait for an item or a group."""
        return bool(self.before)

    @property
    def insert_columns(self) -> tuple[str, ...]:
        """The columns of a new row."""
        return ("id", *self.columns) if self.match == ("id",) else self.columns

    @property
    def update_columns(self) -> tuple[str, ...]:
        """The columns that a change may update."""
        return tuple(column for column in self.columns if column not in self.match)

    def stage_statement(self) -> Statement:
        """Create the staging table of this entity, with every field as text."""
        names = _staged(self.entity)
        return _frame("stage").fill_slots(columns="".join(f', "{name}" text' for name in names))

    def copy_statement(self, columns: list[str]) -> Statement:
        """COPY into the staging table: only the columns that the mapping sets."""
        known = {*_staged(self.entity), "latest_by"}
        if not set(columns) <= known:
            raise ValueError(f"{self.entity} has no staged {sorted(set(columns) - known)}")
        return _frame("copy").fill_slots(columns="".join(f', "{name}"' for name in columns))

    def plan_statement(self) -> Statement:
        """Decide the fate of each staged row."""
        different = [f"(t.{column}) IS DISTINCT FROM (w.{column})" for column in self.update_columns]
        return _frame("plan").fill_slots(
            wanted=self._selection(),
            table=self.name,
            match=" AND ".join(f"t.{column} = w.{column}" for column in self.match),
            absent=f"t.{self.match[0]} IS NULL",
            different=" OR ".join(([self.different] if self.different else []) + different) or "false",
            before=self.before,
        )

    def _selection(self) -> str:
        staged = statements(f"imports/{self.domain}")[self.entity]
        if not self.owner:
            return staged.text
        fields = ", ".join(f's."{field.name}"' for field in ENTITIES[self.entity].fields if field.name != "needed")
        waits = statements("imports/waiting")["waits"].fill_slots(owner=self.owner, identity=fields, entity=self.entity)
        return staged.fill_slots(waits=waits.text).text

    def analyze_statement(self) -> Statement:
        """Analyze the planned rows: the columns that later statements join or search."""
        waiting = ("waiting_identity",) if self.can_wait else ()
        identity = () if self.entity == "configuration_items" else self.identity
        return _frame("measure_planned").fill_slots(
            columns=", ".join(dict.fromkeys(("ordinal", "action", *self.match, *identity, *waiting)))
        )

    def mark_repeats_statement(self, *, latest: bool) -> Statement:
        """Mark planned rows whose identity another row has that wins: the first, or the latest."""
        identity = ", ".join(self.identity)
        if latest:
            names = ", ".join(f"p.{name}" for name in self.identity)
            return _frame("mark_earlier").fill_slots(identity=names, latest=_frame("latest").text)
        return _frame("mark_repeats").fill_slots(
            identity=identity, same=" AND ".join(f"p.{name} = f.{name}" for name in self.identity)
        )

    def stage_ready_statement(self) -> Statement:
        """Stage the rows that need not wait any longer."""
        names = _staged(self.entity)
        return statements("imports/waiting")["stage_ready"].fill_slots(
            columns="".join(f', "{name}"' for name in names),
            values="".join(f", w.fields ->> '{name}'" for name in names),
        )

    def insert_statement(self) -> Statement:
        """Insert the new rows of one batch."""
        return _frame("create").fill_slots(
            table=self.name,
            columns=", ".join(self.insert_columns),
            values=", ".join(f"p.{column}" for column in self.insert_columns),
        )

    def update_statement(self) -> Statement | None:
        """Update the changed rows of one batch; None if a row has no columns but its key."""
        if not self.update_columns:
            return None
        moved = [f"{column} = p.{column}" for column in self.update_columns]
        return _frame("change").fill_slots(
            table=self.name,
            assignments=", ".join((*moved, *_BUMPS[self.bump])),
            match=" AND ".join(f"t.{column} = p.{column}" for column in self.match),
        )


def _frame(name: str) -> Statement:
    return statements("imports/frame")[name]


def _staged(entity: str) -> list[str]:
    known = ENTITIES[entity]
    return [field.name for field in known.fields] + (["attributes", "dropped"] if known.attributes else [])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _links(entity: str, owner: str, domain: str, extra: str = "") -> ImportTable:
    columns = _words(f"{owner}_id configuration_item_id {extra}")
    return ImportTable(
        entity,
        f"{owner}_configuration_items",
        columns,
        domain,
        match=columns,
        identity=("ends", *_words(extra)),
        before=_PENDING,
        owner=f"{owner[0]}.id",
    )


TABLES: Mapping[str, ImportTable] = {
    table.entity: table
    for table in (
        ImportTable("teams", "teams", _words("key name description contact"), "landscape", bump="update"),
        ImportTable("users", "users", _words("key name email active"), "landscape", bump="update"),
        ImportTable(
            "memberships",
            "team_memberships",
            _words("team_id user_id role"),
            "landscape",
            match=("team_id", "user_id"),
            identity=("team_id", "user_id"),
        ),
        ImportTable(
            "classes",
            "configuration_item_classes",
            _words("key parent_key name description"),
            "landscape",
            match=("key",),
        ),
        ImportTable(
            "relationship_types",
            "relationship_types",
            _words("key label inverse_label impact description"),
            "landscape",
            match=("key",),
        ),
        ImportTable(
            "configuration_items",
            "configuration_items",
            _words("name class_key status environment criticality owner_team_id attributes"),
            "landscape",
            different="w.gains_keys",
        ),
        ImportTable(
            "redundancy_groups",
            "redundancy_groups",
            _words("dependent_id name needed"),
            "landscape",
            identity=("ends", "name"),
            before=_PENDING,
            owner="''",
        ),
        ImportTable(
            "relationships",
            "relationships",
            _words("from_id to_id type_key source attributes redundancy_group_id impact_from_id impact_to_id"),
            "relationships",
            identity=("ends", "type_key", "source"),
            before=_PENDING,
        ),
        ImportTable(
            "changes",
            "changes",
            _words(
                "number title description type state risk team_id assignee_id"
                " planned_start planned_end actual_start actual_end"
            ),
            "operations",
            identity=("number",),
            bump="update",
        ),
        _links("change_items", "change", "operations"),
        ImportTable(
            "incidents",
            "incidents",
            _words(
                "number title description state impact urgency priority category team_id assignee_id"
                " restricted_team_id change_id resolution_code resolution opened_at reopened_at resolved_at closed_at"
                " attributes"
            ),
            "operations",
            identity=("number",),
            bump="update",
        ),
        _links("incident_items", "incident", "operations", "role"),
        ImportTable(
            "activities",
            "incident_activities",
            _words("incident_id key kind body team_id user_id document_key happened_at"),
            "operations",
            identity=("incident_id", "key"),
        ),
        ImportTable(
            "documents",
            "documents",
            _words("key kind title body source team_id restricted_team_id"),
            "operations",
            bump="update",
        ),
        _links("document_items", "document", "operations"),
        ImportTable(
            "workflows",
            "workflows",
            _words("key revision name description state trigger"),
            "workflows",
            identity=("key", "revision"),
            bump="update",
        ),
        ImportTable(
            "workflow_steps",
            "workflow_steps",
            _words("workflow_id key position name kind depends_on configuration"),
            "workflows",
            identity=("workflow_id", "key"),
        ),
        _links("workflow_items", "workflow", "workflows"),
        ImportTable(
            "workflow_runs",
            "workflow_runs",
            _words("number workflow_id incident_id configuration_item_id state started_by_id started_at finished_at"),
            "workflows",
            identity=("number",),
            bump="version",
        ),
        ImportTable(
            "step_runs",
            "workflow_step_runs",
            _words("run_id step_id state attempt started_at finished_at outcome"),
            "workflows",
            identity=("run_id", "step_id", "attempt"),
        ),
        ImportTable(
            "approvals",
            "workflow_approvals",
            _words("step_run_id user_id decision comment decided_at"),
            "workflows",
            identity=("step_run_id", "user_id"),
        ),
        ImportTable(
            "requirements",
            "requirements",
            _words("key title description kind state priority"),
            "requirements",
            bump="update",
        ),
        ImportTable(
            "requirement_items",
            "requirement_configuration_items",
            _words("requirement_id source key"),
            "requirements",
            match=("requirement_id", "source", "key"),
            identity=("requirement_id", "source", "key"),
        ),
    )
}
