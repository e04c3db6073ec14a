"""The gateway's routes are the application's, and who may call which."""

import json
import re
from typing import Any

import pytest
from starlette.routing import Route

import app
from settings import load_settings
from tests.cdk.templates import Synth

# Nothing is connected before it is asked.
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
# The bundle carries no pages: those of the app's distribution are made of the same build.
PAGES = {"/graphiql", "/graphiql/", "/graphiql/assets/{name}"}


def served() -> set[tuple[str, str]]:
    """The application's own routes, by path and method."""
    settings = load_settings({"DATABASE_URL": NOWHERE, "REQUIREMENTS_URL": NOWHERE, "REDIS_URL": "off"})
    routes = [each for each in app.create_app(settings, serve_streams=False).routes if isinstance(each, Route)]
    return {(each.path, method) for each in routes for method in each.methods or ()}


def methods(synth: Synth) -> dict[tuple[str, str], dict[str, Any]]:
    """The gateway's, by path and method."""
    resources = synth.resources("AWS::ApiGateway::Resource", "Service")

    def path(reference: dict[str, Any]) -> str:
        found = resources.get(reference.get("Ref", ""))
        return f"{path(found['ParentId'])}/{found['PathPart']}" if found else ""

    found = synth.resources("AWS::ApiGateway::Method", "Service").values()
    return {(path(each["ResourceId"]), each["HttpMethod"]): each for each in found}


def test_every_route_of_the_application_is_on_the_gateway_and_no_other(each: Synth) -> None:
    pages = {(path, method) for path, method in served() if path in PAGES}
    assert {path for path, _ in pages} == PAGES
    assert methods(each).keys() == served() - pages


def test_who_asks_every_store_signs_as_the_account(each: Synth) -> None:
    signed = {path for (path, _), method in methods(each).items() if method["AuthorizationType"] == "AWS_IAM"}
    assert signed == {"/health/ready", "/health/stores"}
    (stage,) = each.resources("AWS::ApiGateway::Stage").values()
    found = {(one["ResourcePath"], one["HttpMethod"]): one for one in stage["MethodSettings"]}
    for path in signed:
        one = found["/" + path.replace("/", "~1"), "GET"]
        assert (one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"]) == (5, 5)
        assert (one["DataTraceEnabled"], one["LoggingLevel"]) == (False, "ERROR")


def test_a_path_that_there_is_not_is_told_so(each: Synth) -> None:
    (response,) = each.resources("AWS::ApiGateway::GatewayResponse").values()
    assert (response["ResponseType"], response["StatusCode"]) == ("MISSING_AUTHENTICATION_TOKEN", "404")
    assert "NOT_FOUND" in response["ResponseTemplates"]["application/json"]


@pytest.mark.parametrize("path", ["/graphql", "/events", "/alerts/alertmanager", "/health/live"])
def test_others_are_open_to_the_functions_own_check(each: Synth, path: str) -> None:
    assert {one["AuthorizationType"] for (found, _), one in methods(each).items() if found == path} == {"NONE"}


def test_a_line_of_the_access_log_is_json_where_there_is_an_error(each: Synth) -> None:
    """messageString is the one variable that comes with quotes.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
    """
    (stage,) = each.resources("AWS::ApiGateway::Stage").values()
    quoted = {"$context.error.messageString": '"Forbidden"'}
    line = re.sub(r"\$[\w.]+", lambda found: quoted.get(found[0], "x"), stage["AccessLogSetting"]["Format"])
    assert json.loads(line)["error"] == "x"
