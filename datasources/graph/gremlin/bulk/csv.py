"""Nodes and edges as files in the Gremlin CSV format of Neptune.

RFC 4180 in UTF-8, gzip. Edge properties have a single value, so the header contains only their types:
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
    """Return the row of a node, in the order of NODE_HEADER."""
    return id, model.NODE_LABEL


def edge_row(version: EdgeVersion) -> Row:
    """Return the row of an edge version, in the order of EDGE_HEADER. The loader omits properties with an empty field,
    such as the group of an edge without one."""
    edge = version.edge
    return (
        model.edge_id_of(version),
        edge.from_id,
        edge.to_id,
        # The encoded label contains no character that the loader reads as a separator.
        model.label_of(edge.type),
        edge.impact.value,
        edge.group_id or "",
        model.to_micros(version.valid_from),
        model.OPEN_ENDED_MICROS if version.valid_to is None else model.to_micros(version.valid_to),
        edge.id,
    )


class CsvFile:
    """A CSV file that is being written. Writes block, because they compress."""

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
    """Open a file and write its header. The file is complete when the block ends."""
    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(header)
        yield CsvFile(path, file)
