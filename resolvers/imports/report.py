"""What an import did, section by section; every record is in exactly one count."""

import msgspec


class SectionReport(msgspec.Struct, kw_only=True):
    """Counts of one section, in records.

    `records` = created + changed + left + repeated + pending + rejected, less the `unreadable` rows that never
    became records. `skipped` rows were not selected or held an empty list. `unresolved` rows went in with a
    reference left empty; they are counted again among the others.
    """

    title: str
    entity: str
    file: str
    records: int = 0
    skipped: int = 0
    unreadable: int = 0
    created: int = 0
    changed: int = 0
    left: int = 0
    repeated: int = 0
    pending: int = 0
    rejected: int = 0
    unresolved: int = 0
    examples: dict[str, list[str]] = {}


class PruneReport(msgspec.Struct, kw_only=True):
    """What a prune takes away, in rows, next to what the source had. `names` are the first of it by fate."""

    source: str
    relationships: int
    pending: int
    keys: int
    retired: int
    deleted: int
    items_before: int
    items_absent: int
    relationships_before: int
    names: dict[str, list[str]] = {}


class ImportReport(msgspec.Struct, kw_only=True):
    """A whole import. `settled` rows waited and went in; `waiting` counts by entity those that wait for an item.

    `linked` requirements found their item. `absent` is what a refused prune would have taken away.
    `graph` counts the changes that were sent to the graph from here, None if there is none or it could not be reached.
    """

    mapping: str
    dry_run: bool
    sections: list[SectionReport] = []
    settled: int = 0
    settled_by_entity: dict[str, int] = {}
    settled_examples: dict[str, list[str]] = {}
    pending: int = 0
    waiting: dict[str, int] = {}
    linked: int = 0
    pruned: PruneReport | None = None
    prune_refused: str = ""
    absent: PruneReport | None = None
    rejects: str | None = None
    graph: int | None = None
    seconds: float = 0.0

    def total(self, count: str) -> int:
        """The sum of one count over all sections."""
        return sum(getattr(section, count) for section in self.sections)

    @property
    def changes_nothing(self) -> bool:
        """True when no row of any table was created, changed or deleted."""
        pruned = self.pruned is not None and any(
            (self.pruned.relationships, self.pruned.pending, self.pruned.keys, self.pruned.retired, self.pruned.deleted)
        )
        return not (self.total("created") or self.total("changed") or self.settled or self.linked or pruned)
