"""The S3 bucket that Neptune's loader reads from."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from datasources.errors import SourceRefused, SourceUnavailable


class Bucket:
    """A bucket and a prefix, by URL: `s3://bucket/prefix`. Credentials are those that boto3 finds by itself."""

    def __init__(self, url: str, region: str | None) -> None:
        parts = urlsplit(url)
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        self._region = region
        self._client: Any = None

    def url(self, folder: str) -> str:
        """The URL of a folder below the prefix."""
        return f"s3://{self._bucket}/{self._key(folder)}/"

    async def upload(self, path: Path, folder: str, name: str) -> None:
        """Put a file into a folder; one of the same name is replaced. SourceUnavailable, SourceRefused."""
        await asyncio.to_thread(self._upload, path, f"{self._key(folder)}/{name}")

    def _key(self, folder: str) -> str:
        return f"{self._prefix}/{folder}" if self._prefix else folder

    def _upload(self, path: Path, key: str) -> None:
        # Importing these costs more than the rest of the command.
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
