"""A bucket and a loader on loopback."""

from collections.abc import Iterator

import pytest

from tests.fixtures.neptune_loader import LoaderDouble, loader_double


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoaderDouble]:
    """The double, and AWS credentials that reach nothing but it."""
    with loader_double(LoaderDouble()) as made:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL_S3": made.url,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
            monkeypatch.delenv(name, raising=False)
        yield made
