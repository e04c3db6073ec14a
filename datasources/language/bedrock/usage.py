"""Tokens that a call used: as Bedrock reports them, or estimated from the text where it does not."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from datasources.language.port import TokenUsage

# English has about four; a budget must rather be charged too much.
CHARACTERS_A_TOKEN = 3


def read_usage(usage: Mapping[str, int]) -> TokenUsage:
    """Return the usage in a reply of Converse. ValueError for a negative number."""
    read = TokenUsage(
        usage["inputTokens"],
        usage["outputTokens"],
        usage.get("cacheReadInputTokens", 0),
        usage.get("cacheWriteInputTokens", 0),
    )
    if min(read.input, read.output, read.cache_read, read.cache_write) < 0:
        raise ValueError("the usage has a negative number of tokens")
    return read


def estimate_usage(request: Any, output_tokens: int) -> TokenUsage:
    """Return the usage of a request, by the lengths of all texts in it, with so many tokens of output."""
    return TokenUsage(estimate_tokens(_length(request)), output_tokens, estimated=True)


def estimate_tokens(characters: int) -> int:
    """Return the tokens of so many characters."""
    return ceil(characters / CHARACTERS_A_TOKEN)


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(key) + _length(each) for key, each in value.items())
    return sum(map(_length, value)) if isinstance(value, list | tuple) else 0
