"""The reference of event types, from their JSON Schemas."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

INTRODUCTION = """# Event types

What the member `data` of each event holds, generated from the JSON Schemas in `resolvers/events/schemas/`.
[Events](../events.md) says how to send them and what they do. Other members are refused.
"""


def sources(folder: Path) -> dict[str, bytes]:
    """Return the page for a folder with one JSON Schema for each event type."""
    parts = [INTRODUCTION]
    shared: dict[str, Schema] = {}
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text())
        definitions = dict(document["$defs"])
        parts += _section(document["title"], definitions.pop(_name(document)))
        shared |= definitions
    parts.append("## Shared types\n")
    for name, schema in sorted(shared.items()):
        parts += _section(name, schema, level="###")
    return {"reference/event-types.md": "\n".join(parts).encode()}


def _section(name: str, schema: Schema, level: str = "##") -> list[str]:
    lines = [f"(event-type-{name})=", f"{level} {name}", "", schema["description"], ""]
    if "properties" not in schema:
        return [*lines, f"{_describe(schema)}.", ""]
    lines += ["| member | value | required | meaning |", "|---|---|---|---|"]
    for member, value in schema["properties"].items():
        required = "yes" if member in schema["required"] else "no"
        lines.append(f"| `{member}` | {_describe(value)} | {required} | {value.get('description', '')} |")
    return [*lines, ""]


def _describe(schema: Schema) -> str:
    """Return the values that a schema accepts, in words."""
    if "$ref" in schema:
        name = _name(schema)
        return f"[{name}](#event-type-{name})"
    if "anyOf" in schema:
        return " or ".join(_describe(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    words = _TYPES[schema["type"]](schema)
    return f"{words}; default `{json.dumps(schema['default'])}`" if schema.get("default") else words


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _string(schema: Schema) -> str:
    if "format" in schema:
        return str(schema["format"]).replace("-", " and ")
    if schema.get("pattern", r"\S") != r"\S":
        return f"string like `{schema['pattern']}`"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    words = f"string of {least} to {most:,} characters" if most else f"string of at least {least} characters"
    return words if "minLength" in schema or most else "string"


def _array(schema: Schema) -> str:
    return f"list of at most {schema['maxItems']}: {_describe(schema['items'])}"


def _object(schema: Schema) -> str:
    values = schema.get("additionalProperties")
    return f"object with values: {_describe(values)}" if values else "object"


_TYPES: dict[str, Callable[[Schema], str]] = {
    "string": _string,
    "array": _array,
    "object": _object,
    "integer": lambda schema: f"integer from {schema['minimum']} to {schema['maximum']}",
    "null": lambda _: "`null`",
}
