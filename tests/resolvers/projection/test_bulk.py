"""A rebuild through the loader: the files hold everything, the graph ends alike, and a break is gone on from."""

import gzip
import json
from pathlib import Path

import pytest

from datasources.aurora.driver.database import Database
from datasources.errors import SourceError, SourceRefused
from datasources.graph.gremlin.bulk.bucket import Bucket
from datasources.graph.gremlin.bulk.loader import BulkLoader, LoadStatus
from datasources.graph.gremlin.bulk.loading import BulkStore, LoadFailed
from datasources.graph.projection import Changes, EdgeVersion, NodeChange
from resolvers.projection import bulk as module
from resolvers.projection.rebuild import RebuildOptions, rebuild
from resolvers.projection.reports import RebuildPhase
from tests.datasources.graph.bulk.conftest import double
from tests.fixtures.graph import MOMENT, edge, node
from tests.fixtures.neptune_loader import LoaderDouble
from tests.fixtures.projection import fill, holds, should_hold

__all__ = ["double"]

ITEMS = range(1, 8)
TABLES = [EdgeVersion(edge(number, number, number % 7 + 1), MOMENT) for number in range(1, 6)]


@pytest.fixture
def tables(projected_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(projected_url, ITEMS, TABLES)
    monkeypatch.setattr(module, "READ_PAGE_SIZE", 2)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def store(double: LoaderDouble, kind: type[BulkStore] = BulkStore) -> BulkStore:
    loader = BulkLoader(double.url, "arn:role", "eu-west-1")
    return kind(Bucket("s3://bucket/p", "eu-west-1"), loader, rows=4, poll=0.01)


def rows(double: LoaderDouble) -> list[tuple[str, int]]:
    """Files by name without folder, each with its rows."""
    return [
        (name.rsplit("/", 1)[-1], gzip.decompress(content).count(b"\r\n") - 1)
        for name, content in sorted(double.files.items())
    ]


async def test_files_are_loaded_and_the_rest_is_mended(tables: None, main: Database, double: LoaderDouble) -> None:
    await double.graph.apply(Changes(nodes=(NodeChange(node(30)),)))
    heard: list[tuple[RebuildPhase, int, int | None]] = []
    report = await rebuild(main, double.graph, bulk=store(double), progress=lambda *step: heard.append(step))
    assert rows(double) == [
        ("edges-00001.csv.gz", 4), ("edges-00002.csv.gz", 1), ("nodes-00001.csv.gz", 4), ("nodes-00002.csv.gz", 3),
    ]  # fmt: skip
    assert (report.nodes, report.edges) == (7, 5)
    assert report.compared is not None
    assert (report.compared.differences, report.compared.extra_nodes.count) == (1, 1)
    assert await holds(double.graph) == should_hold(ITEMS, TABLES)
    assert [step for step in heard if step[0] is RebuildPhase.LOAD] == [(RebuildPhase.LOAD, 12, 12)] * 3
    # Nothing but the load and the repair was sent.
    assert [len(changes.edges) for changes in double.graph.applied] == [0, 5, 0]


async def test_each_rebuild_has_a_folder_of_its_own(tables: None, main: Database, double: LoaderDouble) -> None:
    await rebuild(main, double.graph, bulk=store(double))
    double.words = ["LOAD_COMPLETED"]
    await rebuild(main, double.graph, bulk=store(double))
    assert len(double.files) == 8
    assert double.starts[0]["source"] != double.starts[1]["source"]


@pytest.mark.parametrize("refused_after", [0, 1, 2, 3])
async def test_an_upload_that_broke_off_goes_on_with_the_next_file(
    tables: None, main: Database, double: LoaderDouble, tmp_path: Path, refused_after: int
) -> None:
    place = tmp_path / "place.json"

    class Refusing(BulkStore):
        left = refused_after

        async def upload(self, path: Path, folder: str, name: str) -> None:
            if self.left == 0:
                raise SourceRefused("bucket", "no")
            self.left -= 1
            await super().upload(path, folder, name)

    with pytest.raises(SourceRefused):
        await rebuild(main, double.graph, RebuildOptions(place=place), bulk=store(double, Refusing))
    assert len(double.files) == refused_after
    before = dict(double.files)
    double.files.clear()
    report = await rebuild(main, double.graph, RebuildOptions(place=place, resume=True), bulk=store(double))
    assert (report.nodes, report.edges) == (7, 5)
    assert not before.keys() & double.files.keys()
    double.files |= before
    assert [count for _, count in rows(double)] == [4, 1, 4, 3]
    assert len(double.starts) == 1
    # The comparison brings what the files of before held: the double was asked to load while they were away.
    assert await holds(double.graph) == should_hold(ITEMS, TABLES)


async def test_a_load_that_was_lost_sight_of_is_asked_again_and_not_started_again(
    tables: None, main: Database, double: LoaderDouble, tmp_path: Path
) -> None:
    place = tmp_path / "place.json"

    class Losing(BulkStore):
        async def status(self, load: str) -> LoadStatus:
            raise SourceError("graph", "lost")

    with pytest.raises(SourceError):
        await rebuild(main, double.graph, RebuildOptions(place=place), bulk=store(double, Losing))
    await rebuild(main, double.graph, RebuildOptions(place=place, resume=True), bulk=store(double))
    assert (len(double.starts), len(double.files)) == (1, 4)


async def test_a_load_that_failed_says_why_and_is_started_again(
    tables: None, main: Database, double: LoaderDouble, tmp_path: Path
) -> None:
    place = tmp_path / "place.json"
    double.words = ["LOAD_IN_PROGRESS", "LOAD_FAILED"]
    double.errors = [{"errorCode": "PARSING_ERROR", "errorMessage": "bad", "fileName": "s3://b/x", "recordNum": 7}]
    with pytest.raises(LoadFailed) as caught:
        await rebuild(main, double.graph, RebuildOptions(place=place), bulk=store(double))
    assert str(caught.value) == "the bulk load ended as LOAD_FAILED; fix the errors and continue with --resume"
    assert caught.value.lines == (
        "s3://bucket/prefix/edges-00001.csv.gz: LOAD_FAILED",
        "s3://b/x record 7: PARSING_ERROR: bad",
    )
    kept = json.loads(place.read_bytes())
    assert (kept["step"], kept["load"]) == ("load", None)
    double.words = ["LOAD_COMPLETED"]
    report = await rebuild(main, double.graph, RebuildOptions(place=place, resume=True), bulk=store(double))
    assert (len(double.starts), report.nodes, report.edges) == (2, 7, 5)


async def test_empty_tables_need_no_files(
    projected_url: str, tables: None, main: Database, double: LoaderDouble
) -> None:
    fill(projected_url, [])
    report = await rebuild(main, double.graph, bulk=store(double))
    assert (report.nodes, report.edges, double.files, double.starts) == (0, 0, {}, [])
