"""The gateway: its routes, its throttle, its log, its firewall."""

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
# Those of the application but GraphiQL, whose pages the app's distribution serves. `/graphql/stream` says that nothing
# is streamed here, and where to ask instead.
ROUTES = (
    ("/graphql", (*READ_METHODS, "POST")),
    ("/graphql/stream", (*READ_METHODS, "POST")),
    ("/events", ("POST",)),
    ("/alerts/alertmanager", ("POST",)),
    ("/health/live", READ_METHODS),
    ("/health/ready", READ_METHODS),
    ("/health/stores", READ_METHODS),
)
# They ask every store on each call and tell versions, so a signature of the account is asked for, and few calls pass.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
SIGNED_PATHS = ("/health/ready", "/health/stores")
SIGNED_REQUESTS_PER_SECOND = 5

NOT_FOUND_BODY = json.dumps({"errors": [{"message": "nothing is served here", "extensions": {"code": "NOT_FOUND"}}]})

# One JSON line a call. It has no query string: an APQ GET may hold variables in it.
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
    # Not messageString: that one comes with quotes of its own.
    "error": "$context.error.message",
}


def rest_api(stack: Stack, environment: Environment, target: lambda_.IAlias) -> gateway.RestApi:
    """A regional REST API: HTTP APIs know neither firewall nor X-Ray.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html
    """
    functions = environment.functions
    log_group = logs.LogGroup(stack, "GatewayLogs", retention=RETENTION, removal_policy=RETAIN_AFTER_CREATION)
    api = gateway.RestApi(
        stack,
        "Gateway",
        rest_api_name=functions.name,
        endpoint_types=[gateway.EndpointType.REGIONAL],
        # The account's own setting; the network of a fresh account makes it.
        cloud_watch_role=False,
        deploy_options=gateway.StageOptions(
            stage_name=functions.stage,
            tracing_enabled=True,
            metrics_enabled=True,
            # Bodies are never logged: they hold restricted text.
            logging_level=gateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            throttling_burst_limit=functions.burst,
            throttling_rate_limit=functions.steady,
            method_options={
                f"{path}/{method}": gateway.MethodDeploymentOptions(
                    # What is not said here is not taken from the stage.
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
            # A batch of CloudEvents is a list, and the content type says so.
            models = {"application/json": objects} if (path, method) == ("/graphql", "POST") else None
            iam = gateway.AuthorizationType.IAM if path in SIGNED_PATHS else gateway.AuthorizationType.NONE
            added = resource.add_method(
                method, integration, authorization_type=iam, request_validator=checked, request_models=models
            )
            suppress(added, {"COG4": "tokens come from the issuer of the environment file, which need not be Cognito"})
            if path not in SIGNED_PATHS:
                verified = "the function verifies the token itself: permissions are those of fields (docs/access.md)"
                suppress(added, {"APIG4": verified})
    # A path that there is not, and one that wants a signature: else both are a 403 of "Missing Authentication Token".
    api.add_gateway_response(
        "NoPath",
        type=gateway.ResponseType.MISSING_AUTHENTICATION_TOKEN,
        status_code="404",
        templates={"application/json": NOT_FOUND_BODY},
    )


def _guard(stack: Stack, environment: Environment, api: gateway.RestApi) -> None:
    """Whom it lets pass was counted at the edge: the addresses that are seen here are CloudFront's."""
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
