"""Answers as bytes: an answer that JSON can't carry becomes one that says so, with the request id."""

import logging
from typing import Any

import orjson

from datasources.messages import truncate_message

log = logging.getLogger("stackflow")


def encode_response(body: dict[str, Any], request_id: str) -> bytes:
    """The body of a GraphQL response as JSON.

    What a store holds is made showable when it is loaded, so this never fails; where it does all the same, the answer
    is an error with the code INTERNAL, and the log has the cause. Errors echo no more of a request than a message may
    have.
    """
    if "errors" in body:
        body = body | {"errors": [_truncate_error(each) for each in body["errors"]]}
    try:
        return orjson.dumps(body)
    except (orjson.JSONEncodeError, RecursionError) as error:
        log.error("an answer can't be written as JSON", exc_info=error, extra={"request_id": request_id})
    masked = {
        "message": "something went wrong on our side; tell us the request id",
        "extensions": {"code": "INTERNAL", "requestId": request_id},
    }
    return orjson.dumps({"errors": [masked], "data": None, "extensions": {"requestId": request_id}})


def _truncate_error(error: dict[str, Any]) -> dict[str, Any]:
    extensions = {
        name: truncate_message(value) if isinstance(value, str) else value
        for name, value in error.get("extensions", {}).items()
    }
    return error | {"message": truncate_message(error["message"])} | ({"extensions": extensions} if extensions else {})
