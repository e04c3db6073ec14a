"""The edge of a fresh environment: three distributions, one firewall, headers, TLS, logs, what may be kept."""

from typing import Any

from tests.cdk.templates import Synth


def distributions(synth: Synth) -> dict[str, dict[str, Any]]:
    return {
        each["DistributionConfig"]["Comment"].split()[1].rstrip(","): each["DistributionConfig"]
        for each in synth.resources("AWS::CloudFront::Distribution").values()
    }


def test_there_are_three_behind_one_firewall(dev: Synth) -> None:
    found = distributions(dev)
    assert set(found) == {"docs", "app", "api"}
    (acl,) = [id_ for id_, each in dev.resources("AWS::WAFv2::WebACL").items() if each["Scope"] == "CLOUDFRONT"]
    for each in found.values():
        assert each["WebACLId"] == {"Fn::GetAtt": [acl, "Arn"]}


def test_viewers_come_by_tls_1_2_to_their_own_domain(dev: Synth) -> None:
    for name, each in distributions(dev).items():
        assert each["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
        assert each["Aliases"] == [f"{name}.placeholder.invalid"]
        for behaviour in (each["DefaultCacheBehavior"], *each.get("CacheBehaviors", [])):
            assert behaviour["ViewerProtocolPolicy"] in {"https-only", "redirect-to-https"}


def test_the_gateway_is_reached_by_tls_1_2(dev: Synth) -> None:
    for name in ("api", "app"):
        origins = [each for each in distributions(dev)[name]["Origins"] if "CustomOriginConfig" in each]
        assert [each["OriginPath"] for each in origins] == ["/dev"]
        assert origins[0]["CustomOriginConfig"]["OriginSSLProtocols"] == ["TLSv1.2"]
        assert origins[0]["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_every_answer_carries_the_security_headers(dev: Synth) -> None:
    ((policy, found),) = dev.resources("AWS::CloudFront::ResponseHeadersPolicy").items()
    headers = found["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 31_536_000
    assert headers["FrameOptions"] == {"FrameOption": "DENY", "Override": True}
    assert headers["ContentTypeOptions"] == {"Override": True}
    assert "frame-ancestors 'none'" in headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    for each in distributions(dev).values():
        for behaviour in (each["DefaultCacheBehavior"], *each.get("CacheBehaviors", [])):
            assert behaviour["ResponseHeadersPolicyId"] == {"Ref": policy}


def test_every_request_is_logged_without_query_strings_and_cookies(dev: Synth) -> None:
    """The first version of these logs always has the query string, in which the variables of a GET stand."""
    assert [name for name, each in distributions(dev).items() if "Logging" in each] == []
    sources = {each["Name"]: each for each in dev.resources("AWS::Logs::DeliverySource").values()}
    logged = {each["ResourceArn"]["Fn::Join"][1][-1]["Ref"] for each in sources.values()}
    assert logged == set(dev.resources("AWS::CloudFront::Distribution"))
    deliveries = dev.resources("AWS::Logs::Delivery").values()
    assert {each["DeliverySourceName"] for each in deliveries} == sources.keys()
    for each in deliveries:
        assert {"c-ip", "cs-uri-stem", "sc-status"} <= set(each["RecordFields"])
        assert {"cs-uri-query", "cs(Referer)", "cs(Cookie)"} & set(each["RecordFields"]) == set()
    policies = str(dev.resources("AWS::S3::BucketPolicy", "Edge"))
    assert "delivery.logs.amazonaws.com" in policies


def test_an_answer_is_kept_only_if_it_says_so_and_for_one_token(dev: Synth) -> None:
    ((policy, found),) = dev.resources("AWS::CloudFront::CachePolicy").items()
    kept = found["CachePolicyConfig"]
    assert (kept["MinTTL"], kept["DefaultTTL"], kept["MaxTTL"]) == (0, 0, 60)
    key = kept["ParametersInCacheKeyAndForwardedToOrigin"]
    # Nothing else: If-None-Match in it would keep a copy for each tag.
    assert key["HeadersConfig"] == {
        "HeaderBehavior": "whitelist",
        "Headers": ["Authorization", "Accept", "x-stackflow-as-of"],
    }
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    behaviours = [distributions(dev)["api"]["DefaultCacheBehavior"], *distributions(dev)["app"]["CacheBehaviors"]]
    assert [each["CachePolicyId"] for each in behaviours] == [{"Ref": policy}] * 2
    assert [each.get("PathPattern") for each in behaviours] == [None, "/graphql"]


def test_the_explorer_is_a_page_of_the_app(dev: Synth) -> None:
    ((_, function),) = dev.resources("AWS::CloudFront::Function").items()
    assert "index.html" in function["FunctionCode"]
    associated = distributions(dev)["app"]["DefaultCacheBehavior"]["FunctionAssociations"]
    assert [each["EventType"] for each in associated] == ["viewer-request"]


def test_pages_are_read_by_their_distribution_alone(dev: Synth) -> None:
    buckets = dev.resources("AWS::S3::Bucket", "Edge")
    assert len(buckets) == 3
    for each in buckets.values():
        assert set(each["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(dev.resources("AWS::CloudFront::OriginAccessControl")) == 2


def test_adopted_distributions_are_told_what_to_carry(prod: Synth) -> None:
    assert set(prod.templates["Edge"]["Outputs"]) >= {"FirewallArn", "HeadersPolicy", "AnswersPolicy", "IndexFunction"}
