"""The client of the Neptune loader: starts a load and polls its status.

https://docs.aws.amazon.com/neptune/latest/userguide/load-api-reference.html
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from datasources.errors import SourceRefused, SourceUnavailable

A = TypeVar("A")

# The maximum number of load errors that are shown.
MAX_SHOWN_ERRORS = 10
_UNDER_WAY = frozenset({"LOAD_NOT_STARTED", "LOAD_IN_QUEUE", "LOAD_IN_PROGRESS"})


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """The status of a load: the state that the loader reports, the records read, and the first errors, one per line."""

    state: str
    records: int
    errors: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        return self.state in _UNDER_WAY

    @property
    def is_completed(self) -> bool:
        return self.state == "LOAD_COMPLETED"


class _Overall(msgspec.Struct, rename="camel"):
    status: str
    total_records: int = 0


class _ErrorLog(msgspec.Struct, rename="camel"):
    error_code: str = ""
    error_message: str = ""
    file_name: str = ""
    record_num: int = 0


class _Errors(msgspec.Struct, rename="camel"):
    error_logs: list[_ErrorLog] = []


class _Feed(msgspec.Struct, rename="camel"):
    full_uri: str = ""
    status: str = ""


class _Status(msgspec.Struct, rename="camel"):
    overall_status: _Overall
    errors: _Errors = msgspec.field(default_factory=_Errors)
    failed_feeds: list[_Feed] = []


class _StatusAnswer(msgspec.Struct):
    payload: _Status


class _Started(msgspec.Struct, rename="camel"):
    load_id: str


class _StartedAnswer(msgspec.Struct):
    payload: _Started


class _Refusal(msgspec.Struct, rename="camel"):
    code: str = ""
    detailed_message: str = ""


class BulkLoader:
    """The loader of a cluster, at the `address` of its writer (`https://host:8182`). The loader reads with `role`.

    If `signed`, requests carry SigV4 headers for `neptune-db` in `region`. `timeout` limits each request, in seconds.
    Raises SourceUnavailable and SourceRefused of source `graph`.
    """

    def __init__(
        self,
        address: str,
        role: str,
        region: str,
        *,
        signed: bool = True,
        ca_file: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._address = address
        self._role = role
        self._region = region
        self._signed = signed
        self._ca_file = ca_file
        self._timeout = timeout

    async def start(self, source: str) -> str:
        """Start a load of every file in a folder, `s3://bucket/folder/`, and return the id of the load.

        Existing elements are updated; the first invalid record ends the load.
        """
        answer = await self._request(
            "POST",
            "/loader",
            msgspec.json.encode(
                {
                    "source": source,
                    "format": "csv",
                    "iamRoleArn": self._role,
                    "region": self._region,
                    "failOnError": "TRUE",
                    "parallelism": "HIGH",
                    "updateSingleCardinalityProperties": "TRUE",
                    "queueRequest": "TRUE",
                }
            ),
        )
        return _decode(answer, _StartedAnswer).payload.load_id

    async def status(self, load: str) -> LoadStatus:
        """Return the current status of a load."""
        query = f"details=TRUE&errors=TRUE&errorsPerPage={MAX_SHOWN_ERRORS}&page=1"
        payload = _decode(await self._request("GET", f"/loader/{load}?{query}"), _StatusAnswer).payload
        logs = tuple(
            f"{each.file_name} record {each.record_num}: {each.error_code}: {each.error_message}"
            for each in payload.errors.error_logs
        )
        feeds = tuple(f"{each.full_uri}: {each.status}" for each in payload.failed_feeds)
        return LoadStatus(
            payload.overall_status.status, payload.overall_status.total_records, (*feeds, *logs)[:MAX_SHOWN_ERRORS]
        )

    async def _request(self, method: str, path: str, body: bytes = b"") -> bytes:
        # Imported here so that only bulk loads pay for the import.
        import httpx

        url = f"{self._address}{path}"
        headers = {"Content-Type": "application/json"} if body else {}
        if self._signed:
            # In a thread, because fetching credentials can block.
            headers = await asyncio.to_thread(self._signed_headers, method, url, headers, body)
        verify = ssl.create_default_context(cafile=self._ca_file)
        try:
            async with httpx.AsyncClient(verify=verify, timeout=self._timeout, trust_env=False) as client:
                answer = await client.request(method, url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise SourceUnavailable("graph", "the bulk loader cannot be reached") from error
        if answer.status_code >= 500:
            raise SourceUnavailable("graph", f"the bulk loader answered {answer.status_code}")
        if answer.status_code != 200:
            raise SourceRefused("graph", f"the bulk loader refused: {_refusal(answer.content, answer.status_code)}")
        return answer.content

    def _signed_headers(self, method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        import boto3
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        credentials = boto3.Session().get_credentials()
        if credentials is None:
            raise SourceRefused("graph", "there are no AWS credentials to sign with; set them, or GRAPH_IAM to off")
        request = AWSRequest(method, url, headers=headers, data=body)
        SigV4Auth(credentials.get_frozen_credentials(), "neptune-db", self._region).add_auth(request)
        return dict(request.headers.items())


def _decode(answer: bytes, type: type[A]) -> A:
    try:
        return msgspec.json.decode(answer, type=type)
    except msgspec.DecodeError as error:
        raise SourceRefused("graph", "the response is not from a Neptune bulk loader; check GRAPH_URL") from error


def _refusal(answer: bytes, status: int) -> str:
    try:
        refusal = msgspec.json.decode(answer, type=_Refusal)
    except msgspec.DecodeError:
        return str(status)
    return f"{refusal.code}: {refusal.detailed_message}"
