"""What was synthesized, as plain JSON, and ways to ask it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdk.environment import Environment

Resource = dict[str, Any]


@dataclass(frozen=True)
class Synth:
    """The templates of one environment, by the last part of the stack's name."""

    environment: Environment
    folder: Path
    templates: dict[str, dict[str, Any]]

    def resources(self, type_: str, stack: str | None = None) -> dict[str, Resource]:
        """Properties by logical id."""
        return {
            id_: each.get("Properties", {})
            for name, template in self.templates.items()
            if stack in {None, name}
            for id_, each in template["Resources"].items()
            if each["Type"] == type_
        }

    def one(self, type_: str, **having: object) -> Resource:
        """The properties of the one resource of a type that has these."""
        found = [
            each
            for each in self.resources(type_).values()
            if all(each.get(name) == value for name, value in having.items())
        ]
        assert len(found) == 1, f"{len(found)} of {type_} with {having}"
        return found[0]

    def function(self, suffix: str = "") -> Resource:
        """One of our functions by what follows the API's name."""
        return self.one("AWS::Lambda::Function", FunctionName=f"{self.environment.functions.name}{suffix}")

    def types(self) -> set[str]:
        """Every type that is made."""
        return {each["Type"] for template in self.templates.values() for each in template["Resources"].values()}

    def text(self) -> str:
        """All templates."""
        return json.dumps(self.templates)

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of an identity's policy, with the logical id that it stands in."""
        for template in self.templates.values():
            for id_, each in template["Resources"].items():
                properties = each.get("Properties", {})
                documents = [
                    *([properties["PolicyDocument"]] if each["Type"] == "AWS::IAM::Policy" else []),
                    *(policy["PolicyDocument"] for policy in properties.get("Policies", [])),
                ]
                for document in documents:
                    for statement in document["Statement"]:
                        yield id_, statement


def loaded(environment: Environment, folder: Path) -> Synth:
    """What a folder of templates holds."""
    templates = {
        path.name.removesuffix(".template.json").rpartition("-")[2]: json.loads(path.read_text())
        for path in sorted(folder.glob("*.template.json"))
    }
    return Synth(environment, folder, templates)


def listed(value: object) -> list[Any]:
    """IAM writes a single value without its list."""
    return value if isinstance(value, list) else [value]


def toml(value: object) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {toml(each)}' for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
