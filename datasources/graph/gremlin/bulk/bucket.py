"""The S3 bucket from which the Neptune loader reads."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from datasources.errors import SourceRefused, SourceUnavailable


class Bucket:
    """A bucket and a prefix, from a URL `s3://bucket/prefix`. boto3 resolves the credentials."""

    def __init__(self, url: str, region: str | None) -> None:
        parts = urlsplit(url)
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        self._region = region
        self._client: Any = None

    def url(self, folder: str) -> str:
        """Return the URL of a folder below the prefix."""
        return f"s3://{self._bucket}/{self._key(folder)}/"

    async def upload(self, path: Path, folder: str, name: str) -> None:
        """Upload a file to a folder and replace any file of the same name.

        Raises SourceUnavailable and SourceRefused.
        """
        await asyncio.to_thread(self._upload, path, f"{self._key(folder)}/{name}")

    def _key(self, folder: str) -> str:
        return f"{self._prefix}/{folder}" if self._prefix else folder

    def _upload(self, path: Path, key: str) -> None:
        # Imported here because these imports take longer than the rest of the command.
        import boto3
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError

        try:
            if self._client is None:
                self._client = boto3.client("s3", region_name=self._region)
            self._client.upload_file(str(path), self._bucket, key)
        except (ConnectionError, HTTPClientError) as error:
            raise SourceUnavailable("bucket", f"the bucket {self._bucket} cannot be reached") from error
        except (BotoCoreError, S3UploadFailedError) as error:
            raise SourceRefused("bucket", f"the bucket {self._bucket} refused a file: {error}") from error
