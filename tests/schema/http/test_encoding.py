"""An answer that JSON can't carry is an answer all the same."""

from typing import Any

import orjson
import pytest

from schema.http.encoding import encode_response
from schema.http.server_sent_events import encode_event
from tests.fixtures.json_values import nested


def test_an_answer_is_its_json() -> None:
    assert encode_response({"data": {"a": 1}}, "r1") == b'{"data":{"a":1}}'


@pytest.mark.parametrize("value", [2**64, nested(300), "\ud83d", {1: 2}, object()])
def test_what_json_can_not_carry_is_an_error_with_the_request_id_and_a_line_in_the_log(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    error = {
        "message": "an internal error occurred; report the request id",
        "extensions": {"code": "INTERNAL", "requestId": "r1"},
    }
    expected = {"errors": [error], "data": None, "extensions": {"requestId": "r1"}}
    assert orjson.loads(encode_response({"data": value}, "r1")) == expected
    assert [record.message for record in caplog.records] == ["a response cannot be encoded as JSON"]
    # An event of a stream as well, with its cursor, so that the stream gets past it.
    head, data = encode_event({"data": value}, "c1", "r1").split(b"data: ")
    assert head == b"id: c1\nevent: next\n"
    assert orjson.loads(data) == expected
