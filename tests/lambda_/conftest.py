"""The unfolded bundle, and functions of it on stores that each stand behind a gate."""

import os
import platform
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cdk.bundle import ROOT, BundleError, load_bundle
from datasources.aurora.driver.database import Database
from datasources.aurora.principals.api_keys import insert_api_key
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.sources import open_sources
from resolvers.principals.api_keys import generate_api_key
from resolvers.projection.resync import ensure_complete
from settings import load_settings
from tests.fixtures.event_stores import url
from tests.fixtures.gate import Gate
from tests.lambda_.runtime import Function
from tests.lambda_.tls_valkey import TlsValkey

__all__ = ["url"]

# Where `make test-lambda` has made what these tests need, so that none may be skipped.
REQUIRED = os.environ.get("STACKFLOW_LAMBDA") == "required"

PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
MACHINE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"

# Makes a function of a handler and variables; it has ended when the test is over.
Start = Callable[[str, dict[str, str]], Function]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip is a failure where nothing may be skipped."""
    report = yield
    if REQUIRED and report.skipped:
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def unfolded() -> Iterator[Path]:
    """The bundle's files. Without a Python 3.13 or a bundle of these sources, tests of them are skipped."""
    try:
        if not PYTHON.is_file():
            raise BundleError("AWS's runtime client is not installed")
        bundle = load_bundle(ROOT / "dist" / f"stackflow-lambda-{MACHINE}.zip")
    except BundleError as error:
        pytest.skip(f"{error}; run make test-lambda, which needs a Python 3.13")
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder, zipfile.ZipFile(bundle.path) as archive:
        archive.extractall(folder)
        yield Path(folder)


@pytest.fixture
def start(unfolded: Path) -> Iterator[Start]:
    """Functions of the bundle."""
    with ExitStack() as stack:

        def started(handler: str, variables: dict[str, str]) -> Function:
            return stack.enter_context(Function(PYTHON, unfolded, handler, variables))

        yield started


@dataclass(frozen=True)
class Landscape:
    """The demo in PostgreSQL, Gremlin Server and Valkey with TLS, each behind a gate; and a key that may do all."""

    main: Gate
    requirements: Gate
    graph: Gate
    cache: Gate
    redis: TlsValkey
    variables: dict[str, str]
    key: str

    @property
    def gates(self) -> tuple[Gate, ...]:
        return self.main, self.requirements, self.graph, self.cache

    async def forget(self) -> None:
        """Empty the cache, by no gate."""
        async with Redis(host="localhost", port=self.redis.port, password=self.redis.token, ssl=True,
                         ssl_ca_certs=self.redis.ca_file) as client:  # fmt: skip
            await client.flushall()


@pytest.fixture(scope="session")
def tls_valkey() -> Iterator[TlsValkey]:
    """A cache that asks for TLS and a token."""
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        server = TlsValkey(Path(folder) / "cache")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
async def key(demo: tuple[str, str]) -> str:
    """An API key that may do everything on the demo."""
    made = generate_api_key()
    main = Database("main", demo[0])
    await insert_api_key(main, name="lambda", key_hash=made.hash, permissions=["*"], team_keys=[], expires_at=None)
    await main.close()
    return made.text


@pytest.fixture
async def landscape(
    unfolded: Path, demo: tuple[str, str], key: str, gremlin_server: EmbeddedGremlin, tls_valkey: TlsValkey
) -> AsyncIterator[Landscape]:
    sources = open_sources(
        *load_settings(
            {"DATABASE_URL": demo[0], "REQUIREMENTS_URL": demo[1], "REDIS_URL": "off", "GRAPH_URL": gremlin_server.url}
        ).require_stores()
    )
    await ensure_complete(sources)
    await sources.close()
    gates = [
        Gate(url) for url in (*demo, gremlin_server.url, f"rediss://:{tls_valkey.token}@127.0.0.1:{tls_valkey.port}/0")
    ]
    for gate in gates:
        await gate.open()
    main, requirements, graph, cache = gates
    variables = {
        "DATABASE_URL": main.url,
        "REQUIREMENTS_URL": requirements.url,
        "GRAPH_URL": graph.url,
        # Its certificate is for this name.
        "REDIS_URL": cache.url.replace("127.0.0.1", "localhost"),
        "REDIS_CA_FILE": tls_valkey.ca_file,
        "REDIS_TIMEOUT_SECONDS": "5",
    }
    whole = Landscape(main, requirements, graph, cache, tls_valkey, variables, key)
    await whole.forget()
    yield whole
    for gate in gates:
        await gate.shut()
