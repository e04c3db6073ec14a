"""Every version of an edge survives the way through a file, and the file is what the loader reads."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.graph.gremlin import model
from datasources.graph.gremlin.bulk.csv import EDGE_HEADER, NODE_HEADER, edge_row, node_row, open_csv
from datasources.graph.port import Edge, Impact
from datasources.graph.projection import EdgeVersion
from tests.fixtures.graph import MOMENT, day, edge, edge_id, group_id, node
from tests.fixtures.profiles import examples

IDS = st.uuids().map(str)
MOMENTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))
VERSIONS = st.builds(
    EdgeVersion,
    st.builds(
        Edge,
        IDS,
        IDS,
        IDS,
        # Anything that PostgreSQL keeps as text.
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
        st.sampled_from(Impact),
        st.none() | IDS,
    ),
    MOMENTS,
    st.none() | MOMENTS,
)


def parsed(path: Path) -> list[dict[str, str]]:
    """The rows of a file by the names of its header, as any reader of RFC 4180 finds them."""
    return list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True), strict=True))


def version_of(row: dict[str, str]) -> EdgeVersion:
    """The version in a row."""
    until = int(row[f"{model.VALID_TO}:Long"])
    return EdgeVersion(
        Edge(
            row[f"{model.KEY}:String"], row["~from"], row["~to"], model.type_of(row["~label"]),
        Impact(row[f"{model.IMPACT}:String"]),
            row[f"{model.GROUP}:String"] or None,
        ),
        model.from_micros(int(row[f"{model.VALID_FROM}:Long"])),
        None if until == model.OPEN_ENDED_MICROS else model.from_micros(until),
    )  # fmt: skip


@given(versions=st.lists(VERSIONS, max_size=5))
@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_version_survives(tmp_path: Path, versions: list[EdgeVersion]) -> None:
    with open_csv(tmp_path / "edges.csv.gz", EDGE_HEADER) as part:
        part.write(map(edge_row, versions))
    rows = parsed(part.path)
    assert [version_of(row) for row in rows] == versions
    assert [row["~id"] for row in rows] == [model.edge_id_of(version) for version in versions]
    assert part.rows == len(versions)


@given(type=VERSIONS.map(lambda version: version.edge.type))
@settings(max_examples=examples(100))
def test_a_label_holds_nothing_that_the_loader_reads_as_more(type: str) -> None:
    label = model.label_of(type)
    assert not set(label) & set(';:,"\\\r\n')
    assert model.type_of(label) == type


def test_the_bytes_of_both_files(tmp_path: Path) -> None:
    with open_csv(tmp_path / "nodes.csv.gz", NODE_HEADER) as part:
        part.write([node_row(node(1)), node_row(node(2))])
    assert gzip.decompress(part.path.read_bytes()).decode() == (
        f"~id,~label\r\n{node(1)},ConfigurationItem\r\n{node(2)},ConfigurationItem\r\n"
    )
    versions = [
        EdgeVersion(edge(1, 1, 2, "runs on", Impact.FORWARD, group=3), MOMENT),
        EdgeVersion(edge(2, 2, 1, "a::b", Impact.NONE), MOMENT, day(1)),
    ]
    with open_csv(tmp_path / "edges.csv.gz", EDGE_HEADER) as part:
        part.write(map(edge_row, versions))
    assert gzip.decompress(part.path.read_bytes()).decode().splitlines() == [
        f"~id,~from,~to,~label,impact:String,group:String,valid_from:Long,valid_to:Long,{model.KEY}:String",
        f"{edge_id(1)},{node(1)},{node(2)},{model.label_of('runs on')},FORWARD,{group_id(3)},1767225600000000,"
        f"253402300799000000,{edge_id(1)}",
        f"{edge_id(2)}@1767225600000000,{node(2)},{node(1)},a%3A%3Ab,NONE,,1767225600000000,1767312000000000,"
        f"{edge_id(2)}",
    ]
