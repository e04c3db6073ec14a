"""Neptune's errors: their codes, the JSON documents, and the frames and HTTP responses that contain them."""

import json
from dataclasses import dataclass

GRAPHSON = "json"
SERVER_ERROR = 500

# errors-engine-codes and the service model `neptunedata`: the HTTP status of each code. On a web socket all of them
# were observed as Gremlin's 500, so a client must read the code in the JSON and never the status of the frame.
HTTP_STATUS = {
    "AccessDeniedException": 403,
    "BadRequestException": 400,
    "CancelledByUserException": 500,
    "ConcurrentModificationException": 500,
    "ConstraintViolationException": 400,
    "FailureByQueryException": 500,
    "InternalFailureException": 500,
    "InvalidParameterException": 400,
    "MalformedQueryException": 400,
    "MemoryLimitExceededException": 500,
    "QueryLimitExceededException": 500,
    "ReadOnlyViolationException": 400,
    "ServerShutdownException": 500,
    "ThrottlingException": 500,
    "TimeLimitExceededException": 500,
    "TooManyRequestsException": 429,
    "UnsupportedOperationException": 400,
}

# errors-engine-codes, column "Message", shortened; the text of a conflict is from a real cluster (TinkerPop pull
# request 1728). Codes are stable, messages are not.
MESSAGES = {
    "AccessDeniedException": "Authentication or authorization failure.",
    "BadRequestException": "The request could not be completed.",
    "CancelledByUserException": "The request processing was cancelled by an authorized client.",
    "ConcurrentModificationException": "Failed to complete Insert operation for a Vertex due to conflicting concurrent"
    " operations. Please retry. 0 transactions are currently rolling back.",
    "InternalFailureException": "The request processing has failed.",
    "MemoryLimitExceededException": "The request processing did not succeed due to lack of memory, but can be retried"
    " when the server is less busy.",
    "ReadOnlyViolationException": "The request is rejected because it violates some read-only restriction, such as a"
    " designation of a replica as read-only.",
    "ThrottlingException": "Rate of requests exceeds the maximum throughput. OK to retry.",
    "TimeLimitExceededException": "A timeout occurred within the script during evaluation.",
    "TooManyRequestsException": "The rate of requests exceeds the maximum throughput. OK to retry.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A Neptune error code and its message."""

    code: str
    message: str = ""

    def document(self, request_id: str) -> dict[str, str]:
        """Return the JSON of an engine error (errors-engine-codes); `message` repeats the details since engine 1.3."""
        details = self.message or MESSAGES.get(self.code, self.code)
        return {"detailedMessage": details, "code": self.code, "requestId": request_id, "message": details}

    @property
    def http_status(self) -> int:
        return HTTP_STATUS.get(self.code, SERVER_ERROR)

    def frame(self, request_id: str) -> bytes:
        """Return a Gremlin reply with status 500 whose message is the JSON document."""
        return _graphson(request_id, json.dumps(self.document(request_id), separators=(",", ":")))


def _graphson(request_id: str, message: str) -> bytes:
    empty: dict[str, object] = {"@type": "g:Map", "@value": []}
    return json.dumps(
        {
            "requestId": request_id,
            "status": {"message": message, "code": SERVER_ERROR, "attributes": empty},
            "result": {"data": None, "meta": empty},
        }
    ).encode()
