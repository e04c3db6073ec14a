"""Signatures, against a double of Neptune that computes each again as AWS does."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError

from datasources.config import SigV4Signing
from datasources.embedded.neptune_like import ClusterSettings, Faults, NeptuneLike, SigningKey
from datasources.errors import SourceRefused, SourceTimeout
from datasources.graph.gremlin.source import g
from tests.datasources.graph.gremlin.client.conftest import MakeClient, within

OLD = SigningKey("AKIAOLD", "old secret", "old token")
NEW = SigningKey("AKIANEW", "new secret", "new token")
SIGNING = SigV4Signing("eu-west-1")


def found(*keys: SigningKey | None) -> Callable[[], Any]:
    """Credentials as they are found: the first, then the next whenever they are looked for anew."""
    left = list(keys)

    def find() -> Any:
        key = left.pop(0) if len(left) > 1 else left[0]
        return None if key is None else Credentials(key.access_key, key.secret_key, key.token)

    return find


@pytest.fixture
def signed(double: NeptuneLike) -> NeptuneLike:
    double.rules = ClusterSettings(credentials=OLD)
    return double


def statuses(double: NeptuneLike) -> list[int]:
    return [each.status for each in double.request_log.handshakes]


async def test_a_good_signature_opens(make_client: MakeClient, signed: NeptuneLike) -> None:
    client = make_client(url=signed.url, signing=SIGNING, credentials=found(OLD))
    assert await client.submit(g.inject(1), "test") == [1]
    assert statuses(signed) == [101]
    headers = signed.request_log.handshakes[0].headers
    assert headers["Host"] == f"127.0.0.1:{signed.url.rsplit(':', 1)[1].split('/')[0]}"
    assert "/eu-west-1/neptune-db/aws4_request" in headers["Authorization"]
    assert "old secret" not in str(headers)


async def test_each_socket_is_signed_when_it_is_opened(
    make_client: MakeClient, signed: NeptuneLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(url=signed.url, signing=SIGNING, credentials=found(OLD), pool_max=1)
    signed.faults = Faults(close_after=1)
    looked: list[str] = []
    from datasources.graph.gremlin.client.signing import Signer

    headers = Signer.headers

    def noted(self: Signer, url: str) -> Any:
        looked.append(url)
        return headers(self, url)

    monkeypatch.setattr(Signer, "headers", noted)
    for number in range(3):
        assert await client.submit(g.inject(number), "test") == [number]
    assert (looked, statuses(signed)) == ([signed.url] * 3, [101] * 3)


async def test_expired_credentials_are_looked_for_anew(make_client: MakeClient, signed: NeptuneLike) -> None:
    client = make_client(url=signed.url, signing=SIGNING, credentials=found(OLD, NEW), pool_max=1)
    assert await client.submit(g.inject(1), "test") == [1]
    signed.rules = ClusterSettings(credentials=NEW)
    signed.drop_connections()
    assert await client.submit(g.inject(2), "test") == [2]
    assert statuses(signed) == [101, 403, 101]


@pytest.mark.parametrize(
    ("region", "key"),
    [("us-east-1", OLD), ("eu-west-1", NEW), ("eu-west-1", SigningKey("AKIAOLD", "wrong", "old token"))],
    ids=["region", "key", "secret"],
)
async def test_what_is_wrong_is_refused(
    make_client: MakeClient, signed: NeptuneLike, region: str, key: SigningKey
) -> None:
    client = make_client(url=signed.url, signing=SigV4Signing(region), credentials=found(key))
    with within(10), pytest.raises(SourceRefused, match="check the credentials, GRAPH_IAM, AWS_REGION") as raised:
        await client.submit(g.inject(1), "test")
    assert statuses(signed) == [403, 403]
    assert not any(secret in str(raised.value) for secret in (key.secret_key, key.token or "", key.access_key))


async def test_unsigned_where_signatures_are_asked_for(make_client: MakeClient, signed: NeptuneLike) -> None:
    with within(10), pytest.raises(SourceRefused, match="GRAPH_IAM"):
        await make_client(url=signed.url).submit(g.inject(1), "test")


async def test_no_credentials_at_all(make_client: MakeClient, signed: NeptuneLike) -> None:
    client = make_client(url=signed.url, signing=SIGNING, credentials=found(None))
    with within(10), pytest.raises(SourceRefused, match="no AWS credentials"):
        await client.submit(g.inject(1), "test")
    assert statuses(signed) == []


async def test_credentials_that_cannot_be_had_now(make_client: MakeClient, signed: NeptuneLike) -> None:
    working = found(OLD)
    failures = 2

    def find() -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise CredentialRetrievalError(provider="a role", error_msg="no answer")
        return working()

    client = make_client(url=signed.url, signing=SIGNING, credentials=find)
    assert await client.submit(g.inject(1), "test") == [1]

    def never() -> Any:
        raise CredentialRetrievalError(provider="a role", error_msg="no answer")

    client = make_client(url=signed.url, signing=SIGNING, credentials=never)
    with within(0.3), pytest.raises(SourceTimeout, match="cannot be had now"):
        await client.submit(g.inject(1), "test")


async def test_the_environment_is_where_credentials_usually_are(
    make_client: MakeClient, signed: NeptuneLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OLD.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OLD.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", OLD.token or "")
    assert await make_client(url=signed.url, signing=SIGNING).submit(g.inject(1), "test") == [1]


def test_nothing_of_aws_is_loaded_unless_something_is_signed() -> None:
    script = """
import sys
from datasources.graph.gremlin.client import GremlinClient
from datasources.config import GraphSettings, SigV4Signing
GremlinClient(GraphSettings(url="ws://127.0.0.1:1/gremlin"))
assert not {"boto3", "botocore"} & set(sys.modules)
GremlinClient(GraphSettings(url="ws://127.0.0.1:1/gremlin", signing=SigV4Signing("eu-west-1")))
assert "botocore" in sys.modules
assert "boto3" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[5], check=False)
    assert done.returncode == 0
