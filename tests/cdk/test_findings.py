"""cdk-nag finds nothing that is not explained, cfn-lint no error, and nothing was looked up."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.cdk.templates import Synth

# Warnings that are meant: a dependency that a reference implies, zones by name, a rule that is to be false.
IMPLIED, ZONES, ALWAYS_FALSE = "W3005", "W3010", "W8003"


# Of one line of business each: test_packs.py has what they find. A deploy does not ask them.
PACKS = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


def reports(synth: Synth) -> dict[str, dict[str, Any]]:
    found = json.loads((synth.folder / "validation-report.json").read_text())["pluginReports"]
    return {report["pluginName"]: report for report in found}


def test_every_finding_is_explained(prod: Synth, dev: Synth) -> None:
    for synth in (prod, dev):
        asked = [report for name, report in reports(synth).items() if name not in PACKS]
        assert "AwsSolutions" in {report["pluginName"] for report in asked}
        for report in asked:
            assert (report["conclusion"], report["violations"]) == ("success", [])
    explained = {
        synth.environment.name: Counter(
            each["ruleName"].partition("[")[0] for each in reports(synth)["AwsSolutions"]["suppressedViolations"]
        )
        for synth in (prod, dev)
    }
    both = {"APIG4": 10, "COG4": 14, "L1": 7, "SQS3": 1, "SMG4": 1}
    assert explained == {
        "prod": _rules({**both, "IAM4": 2, "IAM5": 14}),
        "dev": _rules({**both, "IAM4": 5, "IAM5": 16, "AEC5": 1, "CFR1": 3, "CFR3": 3, "SMG4": 2}),
    }


def _rules(numbers: dict[str, int]) -> Counter[str]:
    return Counter({f"AwsSolutions-{rule}": number for rule, number in numbers.items()})


def test_an_explanation_says_more_than_a_word(each: Synth) -> None:
    for finding in reports(each)["AwsSolutions"]["suppressedViolations"]:
        assert len(finding["reason"].split()) >= 5, finding["ruleName"]


def test_cfn_lint_finds_no_error(prod: Synth, dev: Synth) -> None:
    templates = [str(path) for synth in (prod, dev) for path in sorted(synth.folder.glob("*.template.json"))]
    assert len(templates) == 9
    linted = subprocess.run(
        [
            str(Path(sys.executable).parent / "cfn-lint"),
            "--format",
            "json",
            "--ignore-checks",
            IMPLIED,
            ZONES,
            ALWAYS_FALSE,
            "--",
            *templates,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(linted.stdout) == []


def test_nothing_was_looked_up(each: Synth) -> None:
    """A lookup without an account answers with made-up ids, and no error."""
    manifest = json.loads((each.folder / "manifest.json").read_text())
    assert "missing" not in manifest
    assert "vpc-12345" not in each.text()


def test_no_template_nears_the_limits_of_cloudformation(each: Synth) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
    for name, template in each.templates.items():
        assert len(template["Resources"]) < 400, name
        assert len(json.dumps(template)) < 800_000, name


def test_no_template_holds_a_secret(each: Synth) -> None:
    for _, function in each.resources("AWS::Lambda::Function").items():
        for name, value in function.get("Environment", {}).get("Variables", {}).items():
            assert "password" not in str(value).lower(), name
    for cache in each.resources("AWS::ElastiCache::ReplicationGroup").values():
        assert str(cache["AuthToken"]).count("resolve:secretsmanager") == 1


def test_cloudformation_refuses_what_is_left_open(each: Synth) -> None:
    """Whoever hands the template over, and by whichever tool."""
    for template in each.templates.values():
        (assertion,) = template["Rules"]["LeftOpen"]["Assertions"]
        count, none = assertion["Assert"]["Fn::Equals"]
        assert (count, none) == (f"{26 if each.environment.name == 'prod' else 10} left open", "0 left open")
        assert assertion["AssertDescription"].endswith(", bundle")
