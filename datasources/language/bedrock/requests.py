"""Requests of Converse: bounds, guardrail, and the metadata that identifies a call in Bedrock's logs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from datasources.config import LanguageSettings
from datasources.language.port import Call
from datasources.request import current_request

# The bounds of requestMetadata.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
MAX_ENTRIES = 16
MAX_LENGTH = 256
_FORBIDDEN = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]", re.ASCII)


def build_request(
    settings: LanguageSettings,
    call: Call,
    system: Sequence[Mapping[str, Any]],
    messages: Sequence[Mapping[str, Any]],
    **more: Any,
) -> dict[str, Any]:
    """Return the arguments of Converse. maxTokens is always sent, since Bedrock reserves quota by it."""
    request = {
        "modelId": parse_profiles(settings.profiles).get(call.model, call.model),
        "system": system,
        "messages": messages,
        "inferenceConfig": {"maxTokens": call.max_tokens},
        "requestMetadata": clean_metadata({"requestId": current_request().request_id, **call.metadata}),
        **more,
    }
    if settings.guardrail is not None:
        identifier, _, version = settings.guardrail.partition(":")
        request["guardrailConfig"] = {"guardrailIdentifier": identifier, "guardrailVersion": version}
    return request


def clean_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the first 16 entries, at most 256 characters each, with `_` for characters that Bedrock refuses."""
    cleaned = {_clean(key): _clean(value) for key, value in metadata.items() if key}
    return dict(list(cleaned.items())[:MAX_ENTRIES])


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("_", text[:MAX_LENGTH])


def parse_profiles(profiles: str | None) -> dict[str, str]:
    """Return the ARN of the inference profile by the model, from `model=ARN` pairs."""
    pairs = (pair.partition("=") for pair in (profiles or "").split(",") if pair.strip())
    return {model.strip(): arn.strip() for model, _, arn in pairs}
