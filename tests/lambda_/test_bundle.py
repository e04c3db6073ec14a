"""What the bundle holds, and that it comes out the same each time. Asks the package index, as `make bundle` does."""

import gzip
import hashlib
import json
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader

from cdk import building
from cdk.building import build, find_python, main
from cdk.bundle import DIGEST_MEMBER, ROOT, sources, sources_digest
from tests.lambda_.conftest import MACHINE

PATH = ROOT / "dist" / f"stackflow-lambda-{MACHINE}.zip"

# Of pyproject.toml's dependencies: a server with its parser and its exporter of spans, a command line, and the
# reader of workbooks, which only imports use.
NOT_IN_FUNCTIONS = {
    "uvicorn", "h11", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "typer", "rich",
    "python-calamine",
}  # fmt: skip

# Bytes. A zip that grows starts more slowly. The descriptions of S3 and Bedrock's agents took 70 kB, for the publisher
# of documents; compiled plans and the rules on the forms of sentences took the last 70 kB, all of it our own code.
MAX_SIZE = 21_200_000


@pytest.fixture
def archive(unfolded: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(PATH) as opened:
        yield opened


def test_two_builds_are_the_same_to_the_byte(unfolded: Path, tmp_path: Path) -> None:
    built = build(MACHINE, tmp_path, find_python())
    assert built.sha256 == hashlib.sha256(PATH.read_bytes()).hexdigest()
    assert built.zipped < MAX_SIZE


def test_the_one_for_aws_is_as_small_and_holds_the_same_of_ours(archive: zipfile.ZipFile, tmp_path: Path) -> None:
    built = build("arm64", tmp_path, find_python())
    assert built.zipped < MAX_SIZE
    with zipfile.ZipFile(built.path) as other:
        ours = {path.relative_to(ROOT).as_posix() for path in sources() if path.name != "requirements-lambda.lock"}
        for name in (*sorted(ours), DIGEST_MEMBER):
            assert other.read(name) == archive.read(name), name


def test_nothing_tells_when_or_by_whom_it_was_built(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename.split("/") for member in members]
    assert names == sorted(names)
    assert {(member.date_time, member.external_attr, member.create_system) for member in members} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644 << 16, 3)
    }
    assert archive.read(DIGEST_MEMBER).decode().strip() == sources_digest()


def test_every_module_has_its_bytecode(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    modules = {name for name in names if name.endswith(".py")}
    ours = {path.relative_to(ROOT).as_posix() for path in sources() if path.suffix == ".py"}
    assert modules == ours
    for name in ours:
        folder, _, file = name.rpartition("/")
        cached = f"__pycache__/{file.removesuffix('.py')}.cpython-313.pyc"
        assert (f"{folder}/{cached}" if folder else cached) in names
    assert {"starlette/__init__.pyc", "psycopg/__init__.pyc"} < names


def test_what_no_function_needs_stays_at_home(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    assert {name.split("/")[0] for name in names}.isdisjoint({"commands", "demo", "explorer", "tests", "cdk", "bench"})
    assert not [name for name in names if name.startswith("datasources/embedded/")]
    assert "datasources/aurora/migrations/main/pre/0001_landscape.sql" in names
    described = {name.split("/")[2] for name in names if re.match(r"botocore/data/[^/]+/", name)}
    assert described == building.INCLUDED_AWS_SERVICES


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "bedrock-agent": ("start_ingestion_job", {"knowledgeBaseId": "KB12345678", "dataSourceId": "DS12345678"}),
    "bedrock-agent-runtime": ("retrieve", {"knowledgeBaseId": "KB12345678", "retrievalQuery": {"text": "a"}}),
    "bedrock-runtime": ("converse", {"modelId": "model"}),
    "s3": ("put_object", {"Bucket": "documents", "Key": "a"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "a"}),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/a", "MessageBody": "a"}),
    "sts": ("get_caller_identity", {}),
}


@pytest.mark.parametrize("service", sorted(building.INCLUDED_AWS_SERVICES))
def test_a_description_without_its_texts_serves_the_sdk(tmp_path: Path, service: str) -> None:
    data = tmp_path / "botocore" / "data"
    installed = Path(botocore.__file__).parent / "data"
    shutil.copytree(installed / service, data / service)
    for file in installed.glob("*.json"):
        shutil.copy(file, data)
    building._strip(tmp_path)
    (description,) = data.glob("*/*/service-2.json.gz")
    assert description.stat().st_size < (installed / description.relative_to(data)).stat().st_size / 1.5
    session = botocore.session.Session()
    session.register_component("data_loader", Loader([str(data)], include_default_search_paths=False))
    client = session.create_client(
        service, region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="example"
    )
    operation, parameters = CALLS[service]
    # Serializes the request, resolves the endpoint and signs.
    assert client.generate_presigned_url(operation, parameters).startswith("https://")


def test_functions_get_the_project_s_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = {each.split("==")[0] for each in project}
    lines = (ROOT / "requirements-lambda.in").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == wanted - NOT_IN_FUNCTIONS


def test_functions_get_the_versions_that_tests_run_on() -> None:
    def pinned(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / name).read_text(), re.MULTILINE))

    tested, shipped = pinned("requirements.lock"), pinned("requirements-lambda.lock")
    assert {name: tested.get(name) for name in shipped} == shipped


def test_without_a_python_3_13_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--python", "/nowhere/python3.13"]) == 1
    assert capsys.readouterr().err == "bundle: /nowhere/python3.13 is no CPython 3.13\n"


def test_scanners_of_secrets_find_nothing_to_cry_at(archive: zipfile.ZipFile) -> None:
    """No id of an access key of AWS, but those that say of themselves that they are examples, nor a private key."""
    pattern = re.compile(rb"\b(?=[A-Z0-9]{20}\b)(?!\w*EXAMPLE)(AKIA|ASIA)\w+|-----BEGIN [A-Z ]*PRIVATE KEY-----\n")
    contents = ((name, archive.read(name)) for name in archive.namelist())
    found = [name for name, each in contents if pattern.search(gzip.decompress(each) if name.endswith(".gz") else each)]
    assert found == []
    assert not [name for name in archive.namelist() if name.endswith("examples-1.json")]


def test_the_bill_of_materials_names_what_the_lock_pins(unfolded: Path) -> None:
    bill = json.loads(PATH.with_suffix(".cdx.json").read_text())
    lock = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements-lambda.lock").read_text(), re.MULTILINE)
    assert [(each["name"], each["version"]) for each in bill["components"]] == sorted(lock)
    assert {each["purl"] for each in bill["components"]} == {f"pkg:pypi/{name}@{version}" for name, version in lock}
    (sum_,) = bill["metadata"]["component"]["hashes"]
    assert sum_["content"] == hashlib.sha256(PATH.read_bytes()).hexdigest()
    # One states no licence in a form that can be read.
    assert [each["name"] for each in bill["components"] if "licenses" not in each] == ["cel-python"]
