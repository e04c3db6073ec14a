"""Report of an import by section; every record is in exactly one count."""

import msgspec


class SectionReport(msgspec.Struct, kw_only=True):
    """Counts of one section, in records.

    `records` = created + changed + left + repeated + pending + rejected, minus the `unreadable` rows that never
    became records. `skipped` rows were not selected or contained an empty list. `unresolved` rows were written with an
    empty reference; they are also counted among the others.
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
    """Rows that a prune removes, and the numbers that the source had before. `names` are the first ones by outcome."""

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
    """The whole import. `settled` rows were pending and are written now; `waiting` counts pending rows by entity.

    `linked` counts requirements whose item is now known. `absent` is what a refused prune would have removed.
    `graph` counts the changes that this process sent to the graph; None without a graph, or if it is unavailable.
    `indexed` counts the documents whose chunks this process made; None if that failed.
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
    indexed: int | None = 0
    seconds: float = 0.0

    def total(self, count: str) -> int:
        """Return the sum of one count over all sections."""
        return sum(getattr(section, count) for section in self.sections)

    @property
    def changes_nothing(self) -> bool:
        """Whether no row of any table was created, changed or deleted."""
        pruned = self.pruned is not None and any(
            (self.pruned.relationships, self.pruned.pending, self.pruned.keys, self.pruned.retired, self.pruned.deleted)
        )
        return not (self.total("created") or self.total("changed") or self.settled or self.linked or pruned)
