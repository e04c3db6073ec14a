"""The program of docs/deploy.md that moves an adopted distribution, run by jq on what CloudFront answers."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cdk.edge.origin import ORIGIN_HEADER

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
JQ = shutil.which("jq")

OLD = {"ForwardedValues": {"QueryString": True}, "MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0, "Compress": True}
ORIGINS = [
    {"Id": "api", "DomainName": "old.execute-api.us-east-1.amazonaws.com", "OriginPath": "", "OriginShield": {}},
    {"Id": "pages", "DomainName": "pages.s3.us-east-1.amazonaws.com", "OriginPath": "/site"},
]
GIVEN = {
    "ANSWERS": "answers",
    "FIREWALL": "arn:firewall",
    "HEADERS": "headers",
    "INDEX": "arn:index",
    "SECRET": "a secret",
    "URL": "https://new.execute-api.us-east-1.amazonaws.com/prod/",
}
TO_THE_API = {
    "Compress": True,
    "CachePolicyId": "answers",
    "OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    "ResponseHeadersPolicyId": "headers",
}


def run(program: str, read: dict[str, Any]) -> dict[str, Any]:
    if JQ is None:
        pytest.skip("there is no jq here")
    done = subprocess.run([JQ, program], input=json.dumps(read), env=GIVEN, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def moved(default: str, others: dict[str, Any]) -> dict[str, Any]:
    """What the program makes of a distribution with both origins, whose default behaviour leads to this one."""
    (program,) = re.findall(r"^cat > edge\.jq <<'END'\n(.*?)^END$", PAGE, re.DOTALL | re.MULTILINE)
    config = {
        "CallerReference": "1",
        "Origins": {"Quantity": 2, "Items": ORIGINS},
        "DefaultCacheBehavior": {"TargetOriginId": default, **OLD},
        "CacheBehaviors": others,
        "WebACLId": "",
    }
    return run(program, {"ETag": "E1", "DistributionConfig": config})


def test_the_gateway_s_origin_and_behaviours_change_and_no_others() -> None:
    graphql = {"PathPattern": "/graphql", "TargetOriginId": "api", **OLD}
    found = moved("pages", {"Quantity": 1, "Items": [graphql]})
    # What update-distribution takes has no ETag.
    assert set(found) == {"CallerReference", "Origins", "DefaultCacheBehavior", "CacheBehaviors", "WebACLId"}
    assert found["WebACLId"] == "arn:firewall"
    api, pages = found["Origins"]["Items"]
    assert api == {
        "Id": "api",
        "DomainName": "new.execute-api.us-east-1.amazonaws.com",
        "OriginPath": "/prod",
        "OriginShield": {},
        "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": ORIGIN_HEADER, "HeaderValue": "a secret"}]},
    }
    assert pages == ORIGINS[1]
    assert found["DefaultCacheBehavior"] == {"TargetOriginId": "pages", **OLD}
    assert found["CacheBehaviors"]["Items"] == [{"PathPattern": "/graphql", "TargetOriginId": "api", **TO_THE_API}]


def test_a_distribution_of_the_api_alone_changes_by_its_default() -> None:
    found = moved("api", {"Quantity": 0})
    assert found["DefaultCacheBehavior"] == {"TargetOriginId": "api", **TO_THE_API}
    assert found["CacheBehaviors"] == {"Quantity": 0}


def test_pages_get_headers_and_index() -> None:
    (program,) = re.findall(r"^jq '(\.DefaultCacheBehavior \+= .+?)' wanted\.json", PAGE, re.MULTILINE)
    found = run(program, moved("pages", {"Quantity": 0}))
    assert found["DefaultCacheBehavior"] == {
        "TargetOriginId": "pages",
        **OLD,
        "ResponseHeadersPolicyId": "headers",
        "FunctionAssociations": {
            "Quantity": 1,
            "Items": [{"FunctionARN": "arn:index", "EventType": "viewer-request"}],
        },
    }
