"""Errors of boto3 and of Bedrock's streams as LanguageError."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from datasources.language.port import LanguageError, LanguageFailure

# Codes in lower case: an error within a stream has the name of its event, throttlingException.
# https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
_FAILURES = {
    "throttlingexception": LanguageFailure.THROTTLED,
    "toomanyrequestsexception": LanguageFailure.THROTTLED,
    "modelnotreadyexception": LanguageFailure.UNAVAILABLE,
    "serviceunavailableexception": LanguageFailure.UNAVAILABLE,
    "internalserverexception": LanguageFailure.UNAVAILABLE,
    "modelerrorexception": LanguageFailure.UNAVAILABLE,
    "modelstreamerrorexception": LanguageFailure.UNAVAILABLE,
    "dependencyfailedexception": LanguageFailure.UNAVAILABLE,
    "badgatewayexception": LanguageFailure.UNAVAILABLE,
    "conflictexception": LanguageFailure.UNAVAILABLE,
    "modeltimeoutexception": LanguageFailure.TIMEOUT,
    "servicequotaexceededexception": LanguageFailure.QUOTA,
    # An error within a stream has no status.
    "validationexception": LanguageFailure.REFUSED,
}
# Of codes that are not in the table.
_FAILURES_BY_STATUS = {408: LanguageFailure.TIMEOUT, 424: LanguageFailure.UNAVAILABLE, 429: LanguageFailure.THROTTLED}
MAX_CODE_LENGTH = 64


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise LanguageError for each error of boto3 and of the connection.

    Their messages may quote a question or a source; a log line has only their types.
    """
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _refusal(error.response) from error
    except (BotoCoreError, HTTPError, ParserError) as error:
        # A stream is read without botocore, so its errors are those of urllib3.
        raise LanguageError(_connection_failure(error), type(error).__name__) from error


def _refusal(response: dict[str, Any]) -> LanguageError:
    code = re.sub(r"[^\w.-]", "_", str(response.get("Error", {}).get("Code", "")))[:MAX_CODE_LENGTH]
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 500)
    default = LanguageFailure.UNAVAILABLE if status >= 500 else LanguageFailure.REFUSED
    failure = _FAILURES.get(code.lower()) or _FAILURES_BY_STATUS.get(status, default)
    return LanguageError(failure, code, provider_request_id=str(metadata.get("RequestId", "")))


def _connection_failure(error: Exception) -> LanguageFailure:
    from botocore.eventstream import ParserError
    from botocore.exceptions import ConnectionError as UnreachableError
    from botocore.exceptions import HTTPClientError, ReadTimeoutError
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import ReadTimeoutError as StreamTimeoutError

    if isinstance(error, ReadTimeoutError | StreamTimeoutError):
        return LanguageFailure.TIMEOUT
    if isinstance(error, UnreachableError | HTTPClientError | HTTPError | ParserError):
        return LanguageFailure.UNAVAILABLE
    # Without credentials, without a region, or a request that does not fit Bedrock's model.
    return LanguageFailure.REFUSED
