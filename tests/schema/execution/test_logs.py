"""One JSON line an operation: what ran and what it cost, never what was asked about."""

import logging
from typing import Any, cast

import orjson
import pytest
from graphql import ExecutionResult, GraphQLError

from datasources.config import DocumentLimits
from datasources.observability.logs import JsonFormatter
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import GraphQLRequest, GraphQLResponse, execute_request, to_body
from schema.execution.tracing import log_operation
from tests.fixtures.databases import sources_of

SECRET = "the-number-of-a-secret-incident"


async def test_a_line_says_what_ran_and_never_its_variables(caplog: pytest.LogCaptureFixture) -> None:
    sources: Sources = sources_of("postgresql://nobody@127.0.0.1:1/x", "postgresql://nobody@127.0.0.1:1/x")
    principal = Principal("ada", "Ada", PrincipalKind.USER, frozenset({"*"}))
    context = Context(principal, Scope(sees_restricted=True), sources, RequestContext("request-1"))
    request = GraphQLRequest("query Named($id: ID!) { node(id: $id) { id } }", {"id": SECRET}, "Named")
    with caplog.at_level(logging.INFO, "stackflow"), log_operation(request, context) as logged:
        logged.response = await execute_request(request, context, DocumentLimits())
    (record,) = caplog.records
    line = orjson.loads(JsonFormatter().format(record))
    assert (line["message"], line["operation"], line["request_id"], line["principal"]) == (
        "operation", "Named", "request-1", "Ada",
    )  # fmt: skip
    assert (line["sql"], line["graph"], line["cache"], line["rows"], line["errors"]) == (0, 0, 0, 0, ["BAD_USER_INPUT"])
    assert len(line["document"]) == 16
    assert SECRET not in JsonFormatter().format(record)


def test_a_traceback_is_one_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        import sys

        record = logging.LogRecord("stackflow", logging.ERROR, __file__, 1, "unexpected", None, sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert orjson.loads(text)["traceback"].endswith("builtins.ValueError")


async def test_a_thousand_errors_are_five_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    """A list whose rows all fail fills no log."""
    anyone = Principal("ada", "Ada", PrincipalKind.USER, frozenset())
    context = Context(anyone, anyone.scope, cast("Any", None), RequestContext("r-1"))
    broken = [GraphQLError("x", original_error=ValueError(str(n)), path=["a", n]) for n in range(1_000)]
    with caplog.at_level(logging.INFO):
        body = to_body(ExecutionResult(data=None, errors=broken), context)
        with log_operation(GraphQLRequest("{ __typename }"), context) as logged:
            logged.response = GraphQLResponse(body, executed=True)
    assert len(body["errors"]) == 1_000
    *errors, rest, line = caplog.records
    assert [str(cast("Any", each.exc_info)[1]) for each in errors] == ["0", "1", "2", "3", "4"]
    assert rest.getMessage() == "995 more unexpected errors of the same operation"
    assert vars(line)["errors"] == ["INTERNAL"] * 5
    assert vars(line)["errors_left_out"] == 995
