"""The choice of a tool by Converse: each tool with its schema, and one that says that no tool answers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from datasources.language.bedrock.bounds import bound_completion, max_characters
from datasources.language.bedrock.converse import read_completion
from datasources.language.port import StopReason, Tool, ToolChoice

CANNOT_ANSWER = "cannotAnswer"
_CANNOT_ANSWER = Tool(
    CANNOT_ANSWER,
    "Says that none of the other tools answers the question.",
    {"type": "object", "properties": {}, "additionalProperties": False},
)


def build_tools(tools: Sequence[Tool]) -> Mapping[str, Any]:
    """Return the toolConfig of Converse: the model must choose one, and fill in its schema strictly."""
    specifications = [
        {
            "toolSpec": {
                "name": tool.name, "description": tool.description, "inputSchema": {"json": tool.input_schema},
                "strict": True,
            }
        }
        for tool in (*tools, _CANNOT_ANSWER)
    ]  # fmt: skip
    return {"tools": specifications, "toolChoice": {"any": {}}}


def read_choice(reply: Mapping[str, Any], tools: Sequence[Tool], seconds: float, max_tokens: int) -> ToolChoice:
    """Return the choice in a reply; none if it is malformed, too long, or of a tool that was not offered."""
    contents = reply["output"]["message"]["content"]
    is_cut = len(json.dumps(contents)) > max_characters(max_tokens)
    completion = bound_completion(read_completion(reply, seconds), is_cut=is_cut)
    if completion.stop is StopReason.END:
        for content in contents:
            use = content.get("toolUse", {})
            if use.get("name") in {tool.name for tool in tools} and isinstance(use.get("input"), dict):
                return ToolChoice(use["name"], use["input"], completion)
    return ToolChoice(None, {}, completion)
