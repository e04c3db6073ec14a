"""IAM authentication of a handshake: recomputes and compares the signature, as Neptune does."""

import hmac
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from datasources.embedded.neptune_like.errors import Refusal
from datasources.embedded.neptune_like.limits import SIGNATURE_SECONDS, SIGNING_SERVICE, ClusterSettings, SigningKey

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/\d{8}/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = "%Y%m%dT%H%M%SZ"


def check_access(method: str, path: str, headers: Mapping[str, str], rules: ClusterSettings) -> Refusal | None:
    """Return why Neptune would deny this request, or None. `path` is as sent, with its query.

    The steps are those of "Signature Version 4" in the IAM user guide, the service name that of iam-auth-connecting.
    """
    if rules.credentials is None:
        return None
    reason = _reason(method, path, headers, rules.credentials, rules.region)
    return None if reason is None else Refusal("AccessDeniedException", reason)


def refusal_response(refused: Refusal, status: int | None = None) -> web.Response:
    """Return the HTTP response to a denied handshake, with the status of its code unless `status` is given."""
    return web.json_response(refused.document(str(uuid.uuid4())), status=status or refused.http_status)


def _reason(method: str, path: str, headers: Mapping[str, str], key: SigningKey, region: str) -> str | None:
    scope = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    if scope is None:
        return "Missing Authentication Token"
    date = headers.get("X-Amz-Date", "")
    signed = scope["headers"].split(";")
    if scope["key"] != key.access_key or (headers.get("X-Amz-Security-Token") != key.token):
        return "The security token included in the request is invalid."
    if (scope["region"], scope["service"]) != (region, SIGNING_SERVICE):
        return f"Credential should be scoped to a valid region, and to the service {SIGNING_SERVICE!r}."
    if not {"host", "x-amz-date", *(["x-amz-security-token"] if key.token else [])} <= set(signed):
        return "'Host', 'X-Amz-Date' and 'X-Amz-Security-Token' must be signed headers."
    if not _is_fresh(date):
        return f"Signature expired: {date or 'no date'} is not within {SIGNATURE_SECONDS} seconds of now."
    if not all(name in headers for name in signed):
        return "A signed header does not exist in the HTTP request."
    expected = _signature(method, path, {name: headers[name] for name in signed}, key, region)
    if not hmac.compare_digest(expected, scope["signature"]):
        return "The request signature we calculated does not match the signature you provided."
    return None


def _is_fresh(date: str) -> bool:
    try:
        at = datetime.strptime(date, _DATE).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs((datetime.now(UTC) - at).total_seconds()) <= SIGNATURE_SECONDS


def _signature(method: str, path: str, signed: Mapping[str, str], key: SigningKey, region: str) -> str:
    request = AWSRequest(method, f"http://{signed['host']}{path}", headers=dict(signed))
    request.context["timestamp"] = signed["x-amz-date"]
    signer = SigV4Auth(ReadOnlyCredentials(key.access_key, key.secret_key, key.token), SIGNING_SERVICE, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))
