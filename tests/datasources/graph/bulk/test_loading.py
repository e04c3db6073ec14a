"""The bucket and the loader, asked as Neptune's documentation says, and every way they say no."""

from dataclasses import replace
from pathlib import Path

import pytest

from datasources.config import BulkLoadSettings, GraphSettings, SigV4Signing
from datasources.embedded.process import free_port
from datasources.errors import SourceRefused, SourceUnavailable
from datasources.graph.gremlin.bulk.loader import LoadStatus
from datasources.graph.gremlin.bulk.loading import BulkStore, open_bulk_store
from tests.fixtures.neptune_loader import LOAD, LoaderDouble

ROLE = "arn:aws:iam::123456789012:role/loader"


def settings(double: LoaderDouble) -> GraphSettings:
    url = double.url.replace("http", "ws") + "/gremlin"
    return GraphSettings(url, signing=SigV4Signing("eu-west-1"), bulk=BulkLoadSettings("s3://bucket/a/prefix", ROLE))


@pytest.fixture
def bulk(double: LoaderDouble) -> BulkStore:
    made = open_bulk_store(settings(double))
    assert made is not None
    return made


async def test_a_file_goes_into_the_folder_below_the_prefix(
    bulk: BulkStore, double: LoaderDouble, tmp_path: Path
) -> None:
    (tmp_path / "part").write_bytes(b"content")
    await bulk.upload(tmp_path / "part", "folder", "nodes-00001.csv.gz")
    assert double.files == {"/bucket/a/prefix/folder/nodes-00001.csv.gz": b"content"}


async def test_a_start_says_what_the_loader_needs_and_is_signed(bulk: BulkStore, double: LoaderDouble) -> None:
    assert await bulk.start("folder") == LOAD
    assert double.starts == [
        {
            "source": "s3://bucket/a/prefix/folder/",
            "format": "csv",
            "iamRoleArn": ROLE,
            "region": "eu-west-1",
            "failOnError": "TRUE",
            "parallelism": "HIGH",
            "updateSingleCardinalityProperties": "TRUE",
            "queueRequest": "TRUE",
        }
    ]
    [authorization] = double.authorizations
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/neptune-db/aws4_request, SignedHeaders=content-type;host;x-amz-date, " in authorization


async def test_the_states_of_a_load(bulk: BulkStore, double: LoaderDouble) -> None:
    double.records = 12
    found = [await bulk.status(LOAD) for _ in range(3)]
    assert found == [LoadStatus(word, 12) for word in ("LOAD_IN_QUEUE", "LOAD_IN_PROGRESS", "LOAD_COMPLETED")]
    assert [(each.is_running, each.is_completed) for each in found] == [(True, False), (True, False), (False, True)]
    assert double.questions == [f"/loader/{LOAD}?details=TRUE&errors=TRUE&errorsPerPage=10&page=1"] * 3
    assert all("neptune-db" in each for each in double.authorizations)


async def test_errors_of_a_load_are_a_line_each(bulk: BulkStore, double: LoaderDouble) -> None:
    double.words = ["LOAD_FAILED"]
    double.errors = [
        {"errorCode": "PARSING_ERROR", "errorMessage": "bad row", "fileName": "s3://bucket/x.csv", "recordNum": 7}
    ] * 30
    found = await bulk.status(LOAD)
    assert (found.is_running, found.is_completed) == (False, False)
    assert found.errors == (
        "s3://bucket/prefix/edges-00001.csv.gz: LOAD_FAILED",
        *["s3://bucket/x.csv record 7: PARSING_ERROR: bad row"] * 9,
    )


@pytest.mark.parametrize(
    ("refusal", "error", "message"),
    [
        (
            (400, b'{"requestId": "1", "code": "InvalidParameterException", "detailedMessage": "no such role"}'),
            SourceRefused,
            "the bulk loader refused: InvalidParameterException: no such role",
        ),
        ((403, b"<html>"), SourceRefused, "the bulk loader refused: 403"),
        ((200, b'{"hello": 1}'), SourceRefused, "the response is not from a Neptune bulk loader; check GRAPH_URL"),
        ((503, b""), SourceUnavailable, "the bulk loader answered 503"),
    ],
)
async def test_a_loader_that_says_no(
    bulk: BulkStore, double: LoaderDouble, refusal: tuple[int, bytes], error: type[Exception], message: str
) -> None:
    double.refusal = refusal
    with pytest.raises(error) as caught:
        await bulk.start("folder")
    assert (type(caught.value), str(caught.value)) == (error, message)


async def test_a_loader_that_does_not_answer(double: LoaderDouble) -> None:
    lost = open_bulk_store(replace(settings(double), url=f"ws://127.0.0.1:{free_port()}/gremlin"))
    assert lost is not None
    with pytest.raises(SourceUnavailable, match="the bulk loader cannot be reached"):
        await lost.start("folder")


async def test_a_bucket_that_refuses_or_does_not_answer(
    double: LoaderDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "part").write_bytes(b"content")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    double.refused_files = 1
    refused = open_bulk_store(settings(double))
    assert refused is not None
    with pytest.raises(SourceRefused, match=r"the bucket bucket refused a file: .*AccessDenied") as caught:
        await refused.upload(tmp_path / "part", "folder", "name")
    assert caught.value.source == "bucket"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    lost = open_bulk_store(settings(double))
    assert lost is not None
    with pytest.raises(SourceUnavailable, match="the bucket bucket cannot be reached"):
        await lost.upload(tmp_path / "part", "folder", "name")


async def test_without_credentials_nothing_is_sent(
    bulk: BulkStore, double: LoaderDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceRefused, match="no AWS credentials"):
        await bulk.start("folder")
    assert double.starts == []


def test_no_bulk_load_without_its_settings(double: LoaderDouble) -> None:
    assert open_bulk_store(GraphSettings()) is None
    assert open_bulk_store(replace(settings(double), bulk=None)) is None
    with pytest.raises(SourceRefused, match="region"):
        open_bulk_store(replace(settings(double), signing=None))


async def test_unsigned_requests_carry_no_signature(double: LoaderDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    bulk = open_bulk_store(replace(settings(double), signing=None))
    assert bulk is not None
    await bulk.start("folder")
    assert (double.authorizations, double.starts[0]["region"]) == ([""], "eu-central-1")
