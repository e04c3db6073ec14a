"""The settings that a double enforces, and Neptune's limits with the page that states each."""

from dataclasses import dataclass

# errors-engine-codes: "Request size exceeds max allowed value of 157286400 bytes."
MAX_REQUEST_BYTES = 157_286_400
# parameters (neptune_query_timeout): 120,000 ms unless the parameter group says otherwise.
QUERY_TIMEOUT_MS = 120_000
# The AWS reference on signing requests: a signature is valid for five minutes before and after its date.
SIGNATURE_SECONDS = 300
# access-graph-gremlin and iam-auth: the service name in signatures of requests to Neptune's data plane.
SIGNING_SERVICE = "neptune-db"

# limits ("WebSocket concurrent connections"): the maximum of each instance size; further ones are answered with 429.
MAX_CONNECTIONS_BY_INSTANCE = {
    "t3.medium": 512,
    "t4g.medium": 512,
    "large": 2_048,
    "xlarge": 4_096,
    "2xlarge": 8_192,
    "4xlarge": 16_384,
    "8xlarge": 32_768,
    "serverless": 32_768,
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The accepted credentials: an access key with its secret and, if temporary, the session token."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """The settings of a cluster. Without credentials, IAM authentication is off.

    `max_connections` counts per endpoint; `max_request` is in bytes, `query_timeout` in milliseconds.
    """

    credentials: SigningKey | None = None
    region: str = "eu-west-1"
    max_connections: int = MAX_CONNECTIONS_BY_INSTANCE["serverless"]
    max_request: int = MAX_REQUEST_BYTES
    query_timeout: int = QUERY_TIMEOUT_MS
