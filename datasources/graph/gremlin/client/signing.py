"""Signature Version 4 of the web socket handshake, as Neptune requires it with IAM authentication.

The only module that imports botocore; it is imported only if signing is on.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from datasources.graph.gremlin.client.connector import FindCredentials
from datasources.graph.gremlin.client.errors import InvalidConfiguration, Unreachable

# https://docs.aws.amazon.com/neptune/latest/userguide/iam-auth-connecting-gremlin-java.html
SERVICE = "neptune-db"


def default_credentials() -> Any:
    """Find credentials in the environment, the profile, the container or the instance, in botocore's order."""
    return Session().get_credentials()


class Signer:
    """Creates signed headers for new web sockets. Thread-safe; fetching credentials blocks."""

    def __init__(self, region: str, find: FindCredentials = default_credentials) -> None:
        self._region = region
        self._find = find
        self._credentials: Any = None
        self._lock = Lock()

    def renew_credentials(self) -> None:
        """Discard the credentials, so that the next headers fetch them again."""
        with self._lock:
            self._credentials = None

    def headers(self, url: str) -> Mapping[str, str]:
        """Return headers that are signed now and valid for five minutes.

        Raises InvalidConfiguration without credentials, and Unreachable if they cannot be fetched.
        """
        parts = urlsplit(url)
        scheme = "https" if parts.scheme == "wss" else "http"
        # The signed host includes the port, exactly as the handshake sends it.
        request = AWSRequest("GET", f"{scheme}://{parts.netloc}{parts.path}", headers={"Host": parts.netloc})
        try:
            with self._lock:
                self._credentials = self._credentials or self._find()
                if self._credentials is None:
                    raise InvalidConfiguration(
                        "there are no AWS credentials to sign for the graph with: check the role, or GRAPH_IAM"
                    )
                frozen = self._credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise Unreachable(f"the AWS credentials for the graph cannot be had now: {error}") from error
        SigV4Auth(frozen, SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())
