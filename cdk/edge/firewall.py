"""A web firewall: AWS rule groups for OWASP's top ten, known bad inputs and SQL, after a custom first rule."""

from typing import Literal

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf

from cdk.retention import RETAIN_AFTER_CREATION

Acl = waf.CfnWebACL

# In order of evaluation, each with the rules that only count. Incidents, events and alerts quote addresses, scripts,
# statements and exploits, in bodies and in the variables of a GET. The service parses JSON with bound parameters and
# limits its size by REQUEST_BODY_BYTES, CloudFront limits the URL, and no other path accepts either.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
MANAGED_RULES: dict[str, tuple[str, ...]] = {
    "AWSManagedRulesCommonRuleSet": (
        "SizeRestrictions_BODY",
        "SizeRestrictions_QUERYSTRING",
        "EC2MetaDataSSRF_BODY",
        "EC2MetaDataSSRF_QUERYARGUMENTS",
        "GenericLFI_BODY",
        "GenericLFI_QUERYARGUMENTS",
        "GenericRFI_BODY",
        "GenericRFI_QUERYARGUMENTS",
        "CrossSiteScripting_BODY",
        "CrossSiteScripting_QUERYARGUMENTS",
        "RestrictedExtensions_QUERYARGUMENTS",
        # API clients need not send a user agent.
        "NoUserAgent_HEADER",
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        "JavaDeserializationRCE_BODY",
        "JavaDeserializationRCE_QUERYSTRING",
        "Log4JRCE_BODY",
        "Log4JRCE_QUERYSTRING",
    ),
    "AWSManagedRulesSQLiRuleSet": (
        "SQLi_BODY",
        "SQLi_QUERYARGUMENTS",
        "SQLiExtendedPatterns_BODY",
        "SQLiExtendedPatterns_QUERYARGUMENTS",
    ),
}

LOG_FILTER = {
    "Behavior": "KEEP",
    "Requirement": "MEETS_ANY",
    "Conditions": [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")],
}

# The window of the rate limit, in seconds.
RATE_WINDOW_SECONDS = 300
TOO_MANY_REQUESTS = 429


def firewall(
    stack: Stack,
    construct: str,
    *,
    name: str,
    scope: Literal["CLOUDFRONT", "REGIONAL"],
    first: waf.CfnWebACL.RuleProperty,
) -> waf.CfnWebACL:
    """Create a web ACL that allows everything that no rule blocks."""
    groups = enumerate(MANAGED_RULES.items(), start=1)
    return waf.CfnWebACL(
        stack,
        construct,
        name=name,
        scope=scope,
        default_action=Acl.DefaultActionProperty(allow={}),
        visibility_config=visibility(name),
        rules=[first, *(_managed(group, counted, 10 * place) for place, (group, counted) in groups)],
    )


def visibility(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    """Return the metric settings of a rule or ACL, with samples."""
    return Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name.replace("-", ""), sampled_requests_enabled=True
    )


def rate_limit_rule(limit: int) -> waf.CfnWebACL.RuleProperty:
    """Limit the requests from one address within five minutes."""
    refusal = Acl.CustomResponseProperty(response_code=TOO_MANY_REQUESTS)
    return Acl.RuleProperty(
        name="RateOfAnAddress",
        priority=0,
        action=Acl.RuleActionProperty(block=Acl.BlockActionProperty(custom_response=refusal)),
        visibility_config=visibility("RateOfAnAddress"),
        statement=Acl.StatementProperty(
            rate_based_statement=Acl.RateBasedStatementProperty(
                limit=limit, aggregate_key_type="IP", evaluation_window_sec=RATE_WINDOW_SECONDS
            )
        ),
    )


def log_blocked_requests(
    stack: Stack, construct: str, acl: waf.CfnWebACL, name: str, retention: logs.RetentionDays, *headers: str
) -> None:
    """Log only blocked and counted requests, because each is a line of 1 to 2 kB; without the values of these headers,
    and without query strings, which contain the variables of a GET.
    https://docs.aws.amazon.com/waf/latest/developerguide/logging-management.html
    """
    log_group = logs.LogGroup(
        stack,
        f"{construct}Logs",
        # AWS WAF requires this prefix.
        log_group_name=f"aws-waf-logs-{name}",
        retention=retention,
        removal_policy=RETAIN_AFTER_CREATION,
    )
    destination = stack.format_arn(
        service="logs",
        resource="log-group",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
        resource_name=log_group.log_group_name,
    )
    waf.CfnLoggingConfiguration(
        stack,
        f"{construct}Logging",
        resource_arn=acl.attr_arn,
        log_destination_configs=[destination],
        logging_filter={"DefaultBehavior": "DROP", "Filters": [LOG_FILTER]},
        redacted_fields=[
            *(waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": each}) for each in headers),
            waf.CfnLoggingConfiguration.FieldToMatchProperty(query_string={}),
        ],
    )


def _managed(group: str, counted: tuple[str, ...], priority: int) -> waf.CfnWebACL.RuleProperty:
    count = Acl.RuleActionProperty(count={})
    return Acl.RuleProperty(
        name=group,
        priority=priority,
        override_action=Acl.OverrideActionProperty(none={}),
        visibility_config=visibility(group),
        statement=Acl.StatementProperty(
            managed_rule_group_statement=Acl.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=group,
                rule_action_overrides=[
                    Acl.RuleActionOverrideProperty(name=each, action_to_use=count) for each in counted
                ],
            )
        ),
    )
