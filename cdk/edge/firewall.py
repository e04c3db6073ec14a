"""The rules of a web firewall: rate, OWASP's top ten, known bad inputs, SQL."""

from typing import Literal

from aws_cdk import Stack
from aws_cdk import aws_wafv2 as waf

Acl = waf.CfnWebACL

# GraphQL documents with their variables pass the 8 KB that this rule blocks at; REQUEST_BODY_BYTES bounds them.
COUNTED = "SizeRestrictions_BODY"

# In the order in which they are asked.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
MANAGED = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet")

# Seconds over which the rate is counted.
WINDOW = 300
TOO_MANY_REQUESTS = 429


def firewall(
    stack: Stack, construct: str, *, name: str, scope: Literal["CLOUDFRONT", "REGIONAL"], rate: int
) -> waf.CfnWebACL:
    """An access list that lets pass what no rule stops. `rate` is requests from one address in five minutes."""
    return waf.CfnWebACL(
        stack,
        construct,
        name=name,
        scope=scope,
        default_action=Acl.DefaultActionProperty(allow={}),
        visibility_config=_seen(name),
        rules=[_rate(rate), *(_managed(group, 10 * place) for place, group in enumerate(MANAGED, start=1))],
    )


def _seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name.replace("-", ""), sampled_requests_enabled=True
    )


def _rate(rate: int) -> waf.CfnWebACL.RuleProperty:
    refusal = Acl.CustomResponseProperty(response_code=TOO_MANY_REQUESTS)
    return Acl.RuleProperty(
        name="RateOfAnAddress",
        priority=0,
        action=Acl.RuleActionProperty(block=Acl.BlockActionProperty(custom_response=refusal)),
        visibility_config=_seen("RateOfAnAddress"),
        statement=Acl.StatementProperty(
            rate_based_statement=Acl.RateBasedStatementProperty(
                limit=rate, aggregate_key_type="IP", evaluation_window_sec=WINDOW
            )
        ),
    )


def _managed(group: str, priority: int) -> waf.CfnWebACL.RuleProperty:
    counted = [Acl.RuleActionOverrideProperty(name=COUNTED, action_to_use=Acl.RuleActionProperty(count={}))]
    return Acl.RuleProperty(
        name=group,
        priority=priority,
        override_action=Acl.OverrideActionProperty(none={}),
        visibility_config=_seen(group),
        statement=Acl.StatementProperty(
            managed_rule_group_statement=Acl.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=group, rule_action_overrides=counted if group == MANAGED[0] else None
            )
        ),
    )
