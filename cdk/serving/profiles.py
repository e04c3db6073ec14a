"""Application inference profiles of Bedrock, whose tags attribute the cost of each model on the bill."""

from collections.abc import Mapping

from aws_cdk import CfnTag, Stack
from aws_cdk import aws_bedrock as bedrock

from cdk.environment import Environment
from cdk.models import model_of, profile_ids, tier_of


def application_profiles(
    stack: Stack, environment: Environment
) -> Mapping[str, bedrock.CfnApplicationInferenceProfile]:
    """Create a profile for each system-defined one of the file, by its id, tagged with environment and tier.

    The stack's tags apply too. https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-create.html
    """
    here = f"{environment.region}:{environment.account}"
    return {
        each: bedrock.CfnApplicationInferenceProfile(
            stack,
            "".join(part.title() for part in ("profile", *_name(each).split("-"))),
            inference_profile_name=f"stackflow-{environment.name}-{_name(each)}",
            description=f"StackFlow calls of {each}",
            model_source=bedrock.CfnApplicationInferenceProfile.InferenceProfileModelSourceProperty(
                copy_from=f"arn:aws:bedrock:{here}:inference-profile/{each}"
            ),
            tags=[CfnTag(key="tier", value=tier_of(each))],
        )
        for each in profile_ids(environment.models.allowed)
    }


def _name(profile: str) -> str:
    """Return the model's name in letters, digits and dashes."""
    return model_of(profile).partition(".")[2].replace(":", "-").replace(".", "-")
