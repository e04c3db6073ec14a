"""Encode responses as JSON; a response that cannot be encoded becomes an error with the request id."""

import logging
from typing import Any

import orjson

from datasources.messages import truncate_message

log = logging.getLogger("stackflow")


def encode_response(body: dict[str, Any], request_id: str) -> bytes:
    """Encode the body of a GraphQL response as JSON.

    Values from stores are made valid when they are loaded, so encoding should never fail. If it does, the response is
    an error with the code INTERNAL, and the log has the cause. Messages of errors are truncated, because they can
    repeat parts of the request.
    """
    if "errors" in body:
        body = body | {"errors": [_truncate_error(each) for each in body["errors"]]}
    try:
        return orjson.dumps(body)
    except (orjson.JSONEncodeError, RecursionError) as error:
        log.error("a response cannot be encoded as JSON", exc_info=error, extra={"request_id": request_id})
    masked = {
        "message": "an internal error occurred; report the request id",
        "extensions": {"code": "INTERNAL", "requestId": request_id},
    }
    return orjson.dumps({"errors": [masked], "data": None, "extensions": {"requestId": request_id}})


def _truncate_error(error: dict[str, Any]) -> dict[str, Any]:
    extensions = {
        name: truncate_message(value) if isinstance(value, str) else value
        for name, value in error.get("extensions", {}).items()
    }
    return error | {"message": truncate_message(error["message"])} | ({"extensions": extensions} if extensions else {})
