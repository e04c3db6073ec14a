"""Secrets Manager on loopback, and the credentials to ask it by."""

from collections.abc import Iterator

import pytest

from tests.fixtures.secrets_manager import SecretsManager


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    server = SecretsManager()
    server.start()
    for name, value in {
        "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    yield server
    server.stop()
