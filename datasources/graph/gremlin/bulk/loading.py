"""A bulk load as configured by the settings: the bucket and the loader together."""

from pathlib import Path
from urllib.parse import urlsplit

from uuid_utils import uuid7

from datasources.config import GraphSettings
from datasources.errors import SourceRefused
from datasources.graph.gremlin.bulk.bucket import Bucket
from datasources.graph.gremlin.bulk.loader import BulkLoader, LoadStatus


class LoadFailed(SourceRefused):
    """The load failed. `lines` contains its first errors."""

    def __init__(self, status: LoadStatus) -> None:
        super().__init__("graph", f"the bulk load ended as {status.state}; fix the errors and continue with --resume")
        self.lines = status.errors


class BulkStore:
    """Uploads files and loads them. Raises SourceUnavailable and SourceRefused, of the bucket or the graph.

    A file has at most `rows` rows, because an interrupted load sends whole files again. `poll` is the time between two
    status requests, in seconds.
    """

    def __init__(self, bucket: Bucket, loader: BulkLoader, *, rows: int = 250_000, poll: float = 2.0) -> None:
        self.rows = rows
        self.poll = poll
        self._bucket = bucket
        self._loader = loader

    def new_folder(self) -> str:
        """Return a unique folder name."""
        return f"stackflow-{uuid7()}"

    async def upload(self, path: Path, folder: str, name: str) -> None:
        """Upload a file to the folder and replace any file of the same name."""
        await self._bucket.upload(path, folder, name)

    async def start(self, folder: str) -> str:
        """Start a load of every file in the folder and return the id of the load."""
        return await self._loader.start(self._bucket.url(folder))

    async def status(self, load: str) -> LoadStatus:
        """Return the current status of a load."""
        return await self._loader.status(load)


def open_bulk_store(settings: GraphSettings) -> BulkStore | None:
    """Return the bulk store that the settings configure, or None. Opens no connection.

    The region is that of the signing settings, else the one that boto3 resolves. Raises SourceRefused if it is unknown.
    """
    if settings.bulk is None or settings.url is None:
        return None
    region = settings.signing.region if settings.signing is not None else _region()
    if region is None:
        raise SourceRefused("graph", "the region of the bucket is unknown; set AWS_DEFAULT_REGION")
    parts = urlsplit(settings.url)
    scheme = {"wss": "https", "ws": "http"}[parts.scheme]
    loader = BulkLoader(
        f"{scheme}://{parts.netloc}",
        settings.bulk.role,
        region,
        signed=settings.signing is not None,
        ca_file=settings.ca_file,
        timeout=settings.timeout,
    )
    return BulkStore(Bucket(settings.bulk.bucket, region), loader)


def _region() -> str | None:
    import boto3

    region: str | None = boto3.Session().region_name
    return region
