"""Prompts and calls of the tests of language models."""

from typing import Any

from datasources.language.port import Call, Prompt, PromptSource, TaskKind, Tool

QUESTION = "How do I promote the replica of Redis named quicksilver?"
REPLICA = PromptSource(1, "chunk-1", "Fail over Redis", "Promote the replica of Redis. Use redis-cli 7.2 for it.")
BACKUP = PromptSource(2, "chunk-2", "Back up Redis", "Redis writes a snapshot each hour. It is in /var/lib/redis.")
SOURCES = (REPLICA, BACKUP)


def prompt(*sources: PromptSource, question: str = QUESTION, kind: TaskKind = TaskKind.ANSWER) -> Prompt:
    return Prompt(kind, question, sources)


def call(seconds: float = 60, **metadata: str) -> Call:
    return Call("us.anthropic.claude-haiku-5-5", 300, seconds, {"operation": "ask", "team": "storage"} | metadata)


def tool(name: str, *variables: str) -> Tool:
    properties: dict[str, Any] = {each: {"type": "string"} for each in variables}
    schema = {"type": "object", "properties": properties, "required": list(variables), "additionalProperties": False}
    return Tool(name, f"Answers questions of {name}.", schema)
