"""Nodes and edges as files of Neptune's Gremlin CSV format.

RFC 4180 in UTF-8, gzip. Properties of edges have one value, so only their types stand in the header:
https://docs.aws.amazon.com/neptune/latest/userguide/bulk-load-tutorial-format-gremlin.html
"""

import csv
import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from datasources.graph.gremlin import model
from datasources.graph.projection import EdgeVersion

NODE_HEADER = ("~id", "~label")
EDGE_HEADER = (
    "~id", "~from", "~to", "~label",
    f"{model.IMPACT}:String", f"{model.GROUP}:String", f"{model.VALID_FROM}:Long", f"{model.VALID_TO}:Long",
    f"{model.KEY}:String",
)  # fmt: skip

Row = tuple[str | int, ...]


def node_row(id: str) -> Row:
    """A node under NODE_HEADER."""
    return id, model.NODE_LABEL


def edge_row(version: EdgeVersion) -> Row:
    """A version under EDGE_HEADER. The loader leaves out a property whose field is empty, as one without group is."""
    edge = version.edge
    return (
        model.edge_id_of(version),
        edge.from_id,
        edge.to_id,
        # Nothing is left in a label that the loader reads as a separator.
        model.label_of(edge.type),
        edge.impact.value,
        edge.group_id or "",
        model.to_micros(version.valid_from),
        model.OPEN_ENDED_MICROS if version.valid_to is None else model.to_micros(version.valid_to),
        edge.id,
    )


class CsvFile:
    """One file while it is written. Writing blocks: it compresses."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path = path
        self.rows = 0
        self._rows = csv.writer(file)

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        for row in rows:
            self._rows.writerow(row)
            self.rows += 1


@contextmanager
def open_csv(path: Path, header: tuple[str, ...]) -> Iterator[CsvFile]:
    """A file with a header; whole once the body has ended."""
    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(header)
        yield CsvFile(path, file)
