"""The API gateway: routes, throttling, logs, firewall."""

import json

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as gateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf

from cdk.edge.firewall import firewall, log_blocked_requests
from cdk.edge.origin import ORIGIN_HEADER, edge_only_rule, origin_secrets
from cdk.environment import Environment
from cdk.nag_suppressions import suppress
from cdk.retention import RETAIN_AFTER_CREATION
from cdk.serving.functions import RETENTION

READ_METHODS = ("GET", "HEAD")
# The routes of the application except GraphiQL, whose pages CloudFront serves. `/graphql/stream` answers that streams
# are not available here, and where they are.
ROUTES = (
    ("/graphql", (*READ_METHODS, "POST")),
    ("/graphql/stream", (*READ_METHODS, "POST")),
    ("/events", ("POST",)),
    ("/alerts/alertmanager", ("POST",)),
    ("/health/live", READ_METHODS),
    ("/health/ready", READ_METHODS),
    ("/health/stores", READ_METHODS),
)
# These call every store and reveal versions, so they require a signature of the account, at a low rate.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
SIGNED_PATHS = ("/health/ready", "/health/stores")
SIGNED_REQUESTS_PER_SECOND = 5

NOT_FOUND_BODY = json.dumps({"errors": [{"message": "nothing is served here", "extensions": {"code": "NOT_FOUND"}}]})

# One JSON line per call. Without the query string, because an APQ GET may contain variables in it.
ACCESS_LOG_FORMAT = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "trace": "$context.xrayTraceId",
    "ip": "$context.identity.sourceIp",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "protocol": "$context.protocol",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "functionMilliseconds": "$context.integrationLatency",
    # Not messageString, which has its own quotes.
    "error": "$context.error.message",
}


def rest_api(stack: Stack, environment: Environment, target: lambda_.IAlias) -> gateway.RestApi:
    """Create a regional REST API: HTTP APIs support neither the firewall nor X-Ray.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html
    """
    functions = environment.functions
    log_group = logs.LogGroup(stack, "GatewayLogs", retention=RETENTION, removal_policy=RETAIN_AFTER_CREATION)
    api = gateway.RestApi(
        stack,
        "Gateway",
        rest_api_name=functions.name,
        endpoint_types=[gateway.EndpointType.REGIONAL],
        # A setting of the account; the network stack of a new account sets it.
        cloud_watch_role=False,
        deploy_options=gateway.StageOptions(
            stage_name=functions.stage,
            tracing_enabled=True,
            metrics_enabled=True,
            # Bodies are never logged: they contain restricted text.
            logging_level=gateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            throttling_burst_limit=functions.burst,
            throttling_rate_limit=functions.steady,
            method_options={
                f"{path}/{method}": gateway.MethodDeploymentOptions(
                    # Settings that are not repeated here are not inherited from the stage.
                    logging_level=gateway.MethodLoggingLevel.ERROR,
                    data_trace_enabled=False,
                    metrics_enabled=True,
                    throttling_burst_limit=SIGNED_REQUESTS_PER_SECOND,
                    throttling_rate_limit=SIGNED_REQUESTS_PER_SECOND,
                )
                for path in SIGNED_PATHS
                for method in READ_METHODS
            },
            access_log_destination=gateway.LogGroupLogDestination(log_group),
            access_log_format=gateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG_FORMAT)),
        ),
    )
    _routes(api, environment, target)
    _guard(stack, environment, api)
    return api


def _routes(api: gateway.RestApi, environment: Environment, target: lambda_.IAlias) -> None:
    seconds = min(environment.functions.gateway_seconds, environment.functions.timeout_seconds)
    integration = gateway.LambdaIntegration(
        target, proxy=True, allow_test_invoke=False, timeout=Duration.seconds(seconds)
    )
    checked = api.add_request_validator("Bodies", validate_request_body=True, validate_request_parameters=True)
    objects = api.add_model(
        "AnObject",
        content_type="application/json",
        schema=gateway.JsonSchema(schema=gateway.JsonSchemaVersion.DRAFT4, type=gateway.JsonSchemaType.OBJECT),
    )
    for path, methods in ROUTES:
        resource = api.root.resource_for_path(path)
        for method in methods:
            # A batch of CloudEvents is a list, with its own content type.
            models = {"application/json": objects} if (path, method) == ("/graphql", "POST") else None
            iam = gateway.AuthorizationType.IAM if path in SIGNED_PATHS else gateway.AuthorizationType.NONE
            added = resource.add_method(
                method, integration, authorization_type=iam, request_validator=checked, request_models=models
            )
            suppress(added, {"COG4": "tokens come from the issuer of the environment file, which need not be Cognito"})
            if path not in SIGNED_PATHS:
                verified = "the function verifies the token itself: permissions are those of fields (docs/access.md)"
                suppress(added, {"APIG4": verified})
    # An unknown path: by default it gets the same 403 "Missing Authentication Token" as a missing signature.
    api.add_gateway_response(
        "NoPath",
        type=gateway.ResponseType.MISSING_AUTHENTICATION_TOKEN,
        status_code="404",
        templates={"application/json": NOT_FOUND_BODY},
    )


def _guard(stack: Stack, environment: Environment, api: gateway.RestApi) -> None:
    """Attach the firewall. It has no rate limit, which the edge applies: all addresses here are CloudFront's."""
    name = f"{environment.functions.name}-gateway"
    first = edge_only_rule(origin_secrets(stack, environment), SIGNED_PATHS)
    acl = firewall(stack, "GatewayFirewall", name=name, scope="REGIONAL", first=first)
    log_blocked_requests(stack, "GatewayFirewall", acl, name, RETENTION, "authorization", ORIGIN_HEADER)
    waf.CfnWebACLAssociation(
        stack,
        "GatewayFirewallStands",
        resource_arn=api.deployment_stage.stage_arn,
        web_acl_arn=acl.attr_arn,
    )
