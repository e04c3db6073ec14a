"""Language models: what the API is told of them, what it may call, and what it may not."""

import re
from pathlib import Path
from typing import Any

import pytest

import settings
from cdk.environment import Price
from cdk.loader import EnvironmentFileError, load_environment
from cdk.models import model_of, profile_ids, regions_of, tier_of
from datasources.config import LanguageProvider
from tests.cdk.calls import variables
from tests.cdk.permissions import Request, is_allowed, statements
from tests.cdk.templates import Synth, listed
from tests.cdk.test_environment_file import at, written
from tests.cdk.test_permissions import logical
from tests.cdk.test_switches import synth

CLAUDE = {
    "us.anthropic.claude-haiku-5-5", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-sonnet-5-5",
    "us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-opus-5-5", "us.anthropic.claude-opus-5",
}  # fmt: skip
TITAN = "amazon.titan-embed-text-v2:0"
REGIONS = {"us-east-1", "us-east-2", "us-west-2"}
WORKERS = ("-events", "-projector", "-requirements", "-workflows", "-migrations")
INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")


def test_the_file_allows_claude_by_profiles_and_titan_by_itself(each: Synth) -> None:
    allowed = each.environment.models.allowed
    assert allowed.keys() == CLAUDE | {TITAN}
    assert set(profile_ids(allowed)) == CLAUDE
    assert {tier_of(model) for model in CLAUDE} == {"haiku", "sonnet", "opus"}
    assert {region for model in CLAUDE for region in regions_of(model)} == REGIONS
    # Output costs five times the input, for each Claude.
    for model in CLAUDE:
        assert allowed[model].output == pytest.approx(5 * allowed[model].input)


def test_the_api_alone_is_told_of_models(each: Synth) -> None:
    read = settings.load_settings(variables(each, "")).language
    assert read.provider is LanguageProvider.BEDROCK
    assert read.usd_a_day == each.environment.models.usd_a_day
    assert read.knowledge_base is not None
    for suffix in WORKERS:
        assert settings.load_settings(variables(each, suffix)).language.provider is LanguageProvider.LOCAL


def test_a_fresh_environment_attributes_costs_by_profiles_of_its_own(dev: Synth) -> None:
    made = dev.resources("AWS::Bedrock::ApplicationInferenceProfile", "Service")
    by_model = {each["ModelSource"]["CopyFrom"].partition("inference-profile/")[2]: each for each in made.values()}
    assert by_model.keys() == CLAUDE
    for model, profile in by_model.items():
        assert {tag["Key"]: tag["Value"] for tag in profile["Tags"]} == {
            "environment": "dev", "project": "stackflow", "tier": tier_of(model),
        }  # fmt: skip
        assert re.fullmatch(r"([0-9a-zA-Z][ _-]?)+", profile["InferenceProfileName"])
    told = dict(pair.split("=") for pair in variables(dev, "")["BEDROCK_PROFILES"].split(","))
    assert told.keys() == CLAUDE
    assert len(set(told.values())) == 6


def test_an_adopted_account_gets_no_profile(prod: Synth) -> None:
    assert "AWS::Bedrock::ApplicationInferenceProfile" not in prod.types()
    assert "BEDROCK_PROFILES" not in variables(prod, "")


def calls_of(synth: Synth, model: str) -> list[Request]:
    """What IAM is asked when a model is called by the profile that the API uses: of the profile and of each region."""
    here = f"{synth.environment.region}:{synth.environment.account}"
    pairs = variables(synth, "").get("BEDROCK_PROFILES")
    own = dict(pair.split("=") for pair in pairs.split(",")) if pairs else {}
    profile = own.get(model, f"arn:aws:bedrock:{here}:inference-profile/{model}")
    return [
        request
        for action in INVOKE
        for request in (
            Request(action, profile),
            *(
                Request(
                    action,
                    f"arn:aws:bedrock:{region}::foundation-model/{model_of(model)}",
                    {"bedrock:InferenceProfileArn": profile},
                )
                for region in REGIONS
            ),
        )
    ]


def test_each_claude_may_be_called_in_each_region_of_its_profile(each: Synth) -> None:
    policies = statements(each, logical(each, ""))
    needed = [request for model in CLAUDE for request in calls_of(each, model)]
    needed += [Request("bedrock:GetInferenceProfile", request.resource) for request in needed if not request.context]
    assert [str(request) for request in needed if not is_allowed(policies, request)] == []
    assert len(needed) == 6 * (2 * 4 + 2)


def test_nothing_else_of_bedrock_may_be_called(each: Synth) -> None:
    policies = statements(each, logical(each, ""))
    here = f"{each.environment.region}:{each.environment.account}"
    model = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5"
    refused = [
        # By itself, where its profile would not count it.
        Request("bedrock:InvokeModel", model),
        Request("bedrock:InvokeModel", model, {"bedrock:InferenceProfileArn": f"arn:aws:bedrock:{here}:other/other"}),
        Request("bedrock:InvokeModel", model.replace("us-east-1", "eu-west-1")),
        Request("bedrock:InvokeModel", f"arn:aws:bedrock:{here}:inference-profile/us.anthropic.claude-mythos-5-2"),
        Request("bedrock:InvokeModel", f"arn:aws:bedrock:{here}:inference-profile/global.anthropic.claude-opus-5"),
        Request("bedrock:CreateInferenceProfile", "*"),
        Request("bedrock:RetrieveAndGenerate", "*"),
        Request("bedrock:Retrieve", f"arn:aws:bedrock:{here}:knowledge-base/OTHER00000"),
        Request("bedrock:ApplyGuardrail", f"arn:aws:bedrock:{here}:guardrail/abc"),
        Request("bedrock:StartIngestionJob", f"arn:aws:bedrock:{here}:knowledge-base/BXJGG7PIPS"),
    ]
    assert [str(request) for request in refused if is_allowed(policies, request)] == []
    for suffix in WORKERS:
        actions = [
            action
            for statement in statements(each, logical(each, suffix))
            for action in listed(statement["Action"])
            if "bedrock" in action
        ]
        # Of a knowledge base that is published to, which the adopted one is not.
        assert actions == (
            ["bedrock:StartIngestionJob"] if (each.environment.name, suffix) == ("dev", "-projector") else []
        )


def bedrock_statements(made: Synth) -> dict[str, dict[str, Any]]:
    return {
        statement["Sid"]: statement
        for _, statement in made.statements()
        if any(action.startswith("bedrock:") for action in listed(statement["Action"])) and "Sid" in statement
    }


def test_generation_and_guardrail_of_bedrock_are_allowed_where_the_file_sets_them(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        table["functions"]["settings"] = {
            "BEDROCK_GENERATION": "retrieve-and-generate", "BEDROCK_GUARDRAIL": "abc123:4",
        }  # fmt: skip

    made = synth(tmp_path, "prod", edit)
    found = bedrock_statements(made)
    # AWS knows no resource of it.
    assert (found["Generate"]["Action"], found["Generate"]["Resource"]) == ("bedrock:RetrieveAndGenerate", "*")
    assert found["Guardrail"] == {
        "Sid": "Guardrail", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail",
        "Resource": "arn:aws:bedrock:us-east-1:373544523367:guardrail/abc123",
    }  # fmt: skip


def test_without_a_claude_there_are_no_language_models(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        del table["knowledge"]
        table["models"]["allowed"] = {TITAN: table["models"]["allowed"][TITAN]}

    made = synth(tmp_path, "dev", edit)
    assert settings.load_settings(variables(made, "")).language.provider is LanguageProvider.LOCAL
    assert bedrock_statements(made).keys() == {"Models"}
    assert "AWS::Bedrock::ApplicationInferenceProfile" not in made.types()


PRICE = {"input": 1, "output": 5}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (
            "models.allowed", {"global.anthropic.claude-opus-5": PRICE, "us.anthropic.claude-opus-5": PRICE},
            "models.allowed: the regions of global.anthropic.claude-opus-5 are not in cdk/models.py; add them",
        ),
        (
            "models.allowed", {TITAN: PRICE},
            "knowledge: no model of models.allowed writes answers from it; allow one, or remove [knowledge]",
        ),
        ("region", "eu-west-1", "us.anthropic.claude-opus-5: not called from eu-west-1; name profiles"),
        (
            "functions.settings", {"KNOWLEDGE_BASE_ID": "BXJGG7PIPS"},
            "functions.settings.KNOWLEDGE_BASE_ID: the template sets it from [knowledge]; remove it",
        ),
        (
            "functions.settings", {"BEDROCK_GUARDRAIL": "a guardrail"},
            "functions.settings.BEDROCK_GUARDRAIL: BEDROCK_GUARDRAIL is 'a guardrail'; write it as id:version",
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_work_is_refused(tmp_path: Path, path: str, value: Any, says: str) -> None:
    with pytest.raises(EnvironmentFileError) as told:
        load_environment(written(tmp_path, "prod", at(path, value)))
    assert says in str(told.value)


def test_generation_from_a_knowledge_base_needs_one(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        del table["knowledge"]
        table["functions"]["settings"] = {"BEDROCK_GENERATION": "retrieve-and-generate"}

    with pytest.raises(EnvironmentFileError, match=r"retrieve-and-generate needs a knowledge base; add \[knowledge\]"):
        load_environment(written(tmp_path, "prod", edit))


def test_models_count_by_the_profile_that_they_are_called_by(dev: Synth, prod: Synth) -> None:
    def watched(made: Synth) -> set[str]:
        return {
            str(one["Value"])
            for alarm in made.resources("AWS::CloudWatch::Alarm", "Watch").values()
            for query in alarm.get("Metrics", [])
            for one in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
            if one["Name"] == "ModelId"
        }

    assert watched(prod) == CLAUDE | {TITAN}
    # Of a profile of its own Bedrock counts by the profile's id.
    assert len(watched(dev)) == 7
    assert len([each for each in watched(dev) if "InferenceProfileId" in each]) == 6
    assert isinstance(next(iter(prod.environment.models.allowed.values())), Price)
