"""Identifiers of Bedrock models in an environment file: the inference profiles, with their regions and tiers."""

from collections.abc import Iterable, Mapping

# The regions among which a system-defined inference profile chooses, by the prefix of its id: a call needs permission
# for the foundation model in each of them.
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
PROFILE_REGIONS: Mapping[str, tuple[str, ...]] = {"us": ("us-east-1", "us-east-2", "us-west-2")}
# Prefixes of profiles whose regions are not listed above.
OTHER_PREFIXES = frozenset({"apac", "au", "ca", "eu", "global", "in", "jp", "sa", "us-gov"})


def profile_ids(models: Iterable[str]) -> list[str]:
    """Return the ids that are inference profiles. Models that write text are called by these alone."""
    return [each for each in models if _prefix(each) in PROFILE_REGIONS]


def unlisted_ids(models: Iterable[str]) -> list[str]:
    """Return the ids of inference profiles whose regions are not listed."""
    return [each for each in models if _prefix(each) in OTHER_PREFIXES]


def regions_of(profile: str) -> tuple[str, ...]:
    """Return the regions among which an inference profile chooses. Raises KeyError if they are not listed."""
    return PROFILE_REGIONS[_prefix(profile)]


def model_of(profile: str) -> str:
    """Return the foundation model of an inference profile: us.anthropic.claude-sonnet-5-5 without us."""
    return profile.partition(".")[2]


def tier_of(profile: str) -> str:
    """Return the family of a Claude model, its tier in cost reports: haiku, sonnet, opus."""
    return model_of(profile).partition("claude-")[2].partition("-")[0] or "other"


def _prefix(model: str) -> str:
    return model.partition(".")[0]
