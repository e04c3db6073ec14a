"""The firewalls let the documented load and its texts through, and nobody around CloudFront."""

from typing import Any

import pytest

from tests.cdk.templates import Synth

# Kinds of what a managed rule looks at that hold texts of people: bodies, and the variables of a GET.
TEXTS = ("_BODY", "_QUERYARGUMENTS", "_QUERYSTRING")
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
OF_TEXTS = {
    "AWSManagedRulesCommonRuleSet": {
        "CrossSiteScripting_BODY", "CrossSiteScripting_QUERYARGUMENTS", "EC2MetaDataSSRF_BODY",
        "EC2MetaDataSSRF_QUERYARGUMENTS", "GenericLFI_BODY", "GenericLFI_QUERYARGUMENTS", "GenericRFI_BODY",
        "GenericRFI_QUERYARGUMENTS", "RestrictedExtensions_QUERYARGUMENTS", "SizeRestrictions_BODY",
        "SizeRestrictions_QUERYSTRING",
    },
    "AWSManagedRulesKnownBadInputsRuleSet": {
        "JavaDeserializationRCE_BODY", "JavaDeserializationRCE_QUERYSTRING", "Log4JRCE_BODY", "Log4JRCE_QUERYSTRING",
    },
    "AWSManagedRulesSQLiRuleSet": {
        "SQLiExtendedPatterns_BODY", "SQLiExtendedPatterns_QUERYARGUMENTS", "SQLi_BODY", "SQLi_QUERYARGUMENTS",
    },
}  # fmt: skip


def acl(synth: Synth, scope: str) -> dict[str, Any]:
    (found,) = [each for each in synth.resources("AWS::WAFv2::WebACL").values() if each["Scope"] == scope]
    return found


def matches(statement: dict[str, Any], path: str, header: object) -> bool:
    """What AWS WAF makes of a statement: those kinds that are used."""
    match statement:
        case {"NotStatement": {"Statement": inner}}:
            return not matches(inner, path, header)
        case {"OrStatement": {"Statements": parts}}:
            return any(matches(each, path, header) for each in parts)
        case {"ByteMatchStatement": {"PositionalConstraint": "EXACTLY", "FieldToMatch": field, "SearchString": text}}:
            assert field == {"SingleHeader": {"Name": "x-stackflow-origin"}}
            return bool(header == text)
        case {"ByteMatchStatement": {"PositionalConstraint": "ENDS_WITH", "SearchString": text}}:
            return path.endswith(text)
    raise AssertionError(statement)


def origin_header(synth: Synth, number: int = 1) -> Any:
    """The value that the gateway takes: a reference to the secret of that number."""
    (id_,) = [each for each in synth.resources("AWS::SecretsManager::Secret", "Service") if f"Origin{number}" in each]
    return {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": id_}, ":SecretString:::}}"]]}


@pytest.mark.parametrize(
    ("path", "with_secret", "passes"),
    [
        ("/prod/graphql", True, True),
        ("/prod/graphql", False, False),
        ("/prod/events", False, False),
        ("/prod/health/live", False, False),
        # Who signs comes directly, as a signature is of the gateway's own name.
        ("/prod/health/ready", False, True),
        ("/prod/health/stores", False, True),
    ],
)
def test_the_gateway_answers_cloudfront_and_who_signs(each: Synth, path: str, with_secret: bool, passes: bool) -> None:
    first = min(acl(each, "REGIONAL")["Rules"], key=lambda rule: int(rule["Priority"]))
    assert first["Action"] == {"Block": {}}
    header = origin_header(each) if with_secret else "a guess"
    assert matches(first["Statement"], path, header) is not passes


def test_cloudfront_sends_the_secret_to_the_gateway_alone(dev: Synth) -> None:
    sent = []
    for found in dev.resources("AWS::CloudFront::Distribution").values():
        for origin in found["DistributionConfig"]["Origins"]:
            assert ("CustomOriginConfig" in origin) == ("OriginCustomHeaders" in origin)
            sent += origin.get("OriginCustomHeaders", [])
    name = dev.one("AWS::SecretsManager::Secret", Name="stackflow/dev/origin-1")["Name"]
    reference = f"{{{{resolve:secretsmanager:{name}:SecretString:::}}}}"
    assert sent == [{"HeaderName": "x-stackflow-origin", "HeaderValue": reference}] * 2


def test_no_limit_stands_below_the_documented_load(each: Synth) -> None:
    """An address of CloudFront carries many clients. One client may ask a fifth of the steady rate."""
    limits = {
        found["Scope"]: rule["Statement"]["RateBasedStatement"]
        for found in each.resources("AWS::WAFv2::WebACL").values()
        for rule in found["Rules"]
        if "RateBasedStatement" in rule["Statement"]
    }
    assert "REGIONAL" not in limits
    for limit in limits.values():
        assert limit["Limit"] / limit["EvaluationWindowSec"] >= each.environment.functions.steady / 5


def test_texts_of_incidents_are_counted_and_not_stopped(each: Synth) -> None:
    for found in each.resources("AWS::WAFv2::WebACL").values():
        counted = {}
        for rule in found["Rules"]:
            group = rule["Statement"].get("ManagedRuleGroupStatement")
            if group:
                overrides = group["RuleActionOverrides"]
                assert {str(one["ActionToUse"]) for one in overrides} == {"{'Count': {}}"}
                counted[group["Name"]] = {one["Name"] for one in overrides if one["Name"].endswith(TEXTS)}
        assert counted == OF_TEXTS


def test_firewalls_log_what_they_stop_or_count_without_tokens_and_variables(each: Synth) -> None:
    logged = each.resources("AWS::WAFv2::LoggingConfiguration").values()
    assert len(logged) == len(each.resources("AWS::WAFv2::WebACL"))
    for found in logged:
        redacted = found["RedactedFields"]
        assert {"QueryString": {}} in redacted
        headers = {one["SingleHeader"]["Name"] for one in redacted if "SingleHeader" in one}
        assert headers >= {"authorization"}
        assert "GatewayFirewall" not in str(found["ResourceArn"]) or "x-stackflow-origin" in headers
        (kept,) = found["LoggingFilter"]["Filters"]
        assert (found["LoggingFilter"]["DefaultBehavior"], kept["Behavior"]) == ("DROP", "KEEP")
        actions = {one["ActionCondition"]["Action"] for one in kept["Conditions"]}
        assert actions == {"BLOCK", "COUNT", "EXCLUDED_AS_COUNT"}
