"""Signature Version 4 of the handshake of a web socket, as Neptune asks for with IAM authentication.

The only module that loads botocore, and only where signing is on.
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
    """From the environment, the profile, the container or the instance, in botocore's order."""
    return Session().get_credentials()


class Signer:
    """Headers for one new web socket at a time. May be used from several threads; asking for credentials blocks."""

    def __init__(self, region: str, find: FindCredentials = default_credentials) -> None:
        self._region = region
        self._find = find
        self._credentials: Any = None
        self._lock = Lock()

    def renew_credentials(self) -> None:
        """Forget the credentials: the next headers look for them anew."""
        with self._lock:
            self._credentials = None

    def headers(self, url: str) -> Mapping[str, str]:
        """Signed now and good for five minutes. Raises Unfit without credentials, Unreachable if they fail."""
        parts = urlsplit(url)
        scheme = "https" if parts.scheme == "wss" else "http"
        # The host is signed with its port, exactly as the handshake sends it.
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
