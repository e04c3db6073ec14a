"""A bulk load from where the settings say: the bucket and the loader together."""

from pathlib import Path
from urllib.parse import urlsplit

from uuid_utils import uuid7

from datasources.config import GraphSettings
from datasources.errors import SourceRefused
from datasources.graph.gremlin.bulk.bucket import Bucket
from datasources.graph.gremlin.bulk.loader import BulkLoader, LoadStatus


class LoadFailed(SourceRefused):
    """The loader gave up. `lines` are its first errors."""

    def __init__(self, status: LoadStatus) -> None:
        super().__init__("graph", f"the bulk load ended as {status.state}; mend what it says and go on with --resume")
        self.lines = status.errors


class BulkStore:
    """Files go in, a load comes out. Errors are SourceUnavailable and SourceRefused, of the bucket or the graph.

    A file has at most `rows` rows: it is what is sent again after a break. `poll` is the time between two questions
    about a load, in seconds.
    """

    def __init__(self, bucket: Bucket, loader: BulkLoader, *, rows: int = 250_000, poll: float = 2.0) -> None:
        self.rows = rows
        self.poll = poll
        self._bucket = bucket
        self._loader = loader

    def new_folder(self) -> str:
        """The name of a folder that nobody else loads from."""
        return f"stackflow-{uuid7()}"

    async def upload(self, path: Path, folder: str, name: str) -> None:
        """Put a file into the folder; one of the same name is replaced."""
        await self._bucket.upload(path, folder, name)

    async def start(self, folder: str) -> str:
        """Load every file of the folder; the id of the load."""
        return await self._loader.start(self._bucket.url(folder))

    async def status(self, load: str) -> LoadStatus:
        """How the load is now."""
        return await self._loader.status(load)


def open_bulk_store(settings: GraphSettings) -> BulkStore | None:
    """The bulk load that the settings ask for, None if they don't. Connects to nothing. SourceRefused if no region is
    known: that of the signing, or else the one boto3 finds."""
    if settings.bulk is None or settings.url is None:
        return None
    region = settings.signing.region if settings.signing is not None else _region()
    if region is None:
        raise SourceRefused("graph", "the bucket's region is not known; set AWS_DEFAULT_REGION")
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

    found: str | None = boto3.Session().region_name
    return found
