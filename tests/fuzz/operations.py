"""Generated GraphQL: mutations with ids and versions that there are, and queries with every argument and filter."""

import random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_leaf_type,
)

from schema.execution.document_cache import GRAPHQL_SCHEMA
from tests.fuzz.landscape import Landscape
from tests.fuzz.values import INTEGERS, TEXTS, TIMES, document, hostile

# Which type the id or key in an input's field is of; the first stem that its name holds.
STEMS = (
    ("redundancyGroup", "RedundancyGroup"), ("workflow", "Workflow"), ("run", "WorkflowRun"), ("team", "Team"),
    ("assignee", "User"), ("user", "User"), ("change", "Change"), ("incident", "Incident"),
    ("class", "ConfigurationItemClass"), ("parent", "ConfigurationItemClass"), ("type", "RelationshipType"),
    ("affected", "ConfigurationItem"), ("cause", "ConfigurationItem"), ("item", "ConfigurationItem"),
    ("from", "ConfigurationItem"), ("to", "ConfigurationItem"), ("dependent", "ConfigurationItem"),
    ("member", "Relationship"), ("relationship", "Relationship"), ("step", "Workflow.steps"),
)  # fmt: skip
# The same for fields that say only `id`, by the name of the operation.
OWNERS = (
    "RedundancyGroup", "Relationship", "WorkflowRun", "Workflow", "Requirement", "Incident", "Change", "Team",
    "ConfigurationItem", "Document", "User",
)  # fmt: skip
MUTATIONS = GRAPHQL_SCHEMA.mutation_type
QUERIES = GRAPHQL_SCHEMA.query_type
assert MUTATIONS is not None
assert QUERIES is not None

# Levels of a generated selection, and fields of one type in it.
MAX_DEPTH, MAX_FIELDS = 5, 4


class Generator:
    """Operations from one source of chance; `spice` is the share of hostile values."""

    def __init__(self, chance: random.Random, landscape: Landscape, spice: float) -> None:
        self._chance = chance
        self._landscape = landscape
        self._spice = spice
        self._variables: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._owner = ""

    def mutation(self) -> tuple[str, dict[str, Any]]:
        """A document and its variables."""
        assert MUTATIONS is not None
        name = self._chance.choice(list(MUTATIONS.fields))
        declared = MUTATIONS.fields[name]
        self._owner = next((each for each in OWNERS if each in name or each + "s" in name), "")
        arguments = {key: self._value(each.type, key) for key, each in declared.args.items()}
        heads = ", ".join(f"${key}: {each.type}" for key, each in declared.args.items())
        given = ", ".join(f"{key}: ${key}" for key in declared.args)
        return f"mutation M({heads}) {{ {name}({given}) {_entities(declared)} }}", arguments

    def query(self) -> tuple[str, dict[str, Any]]:
        """A document and its variables."""
        assert QUERIES is not None
        self._variables, self._values = {}, {}
        fields = [
            f"q{number}: {self._field(name, QUERIES.fields[name], 1)}"
            for number, name in enumerate(self._chance.sample(list(QUERIES.fields), self._chance.randint(1, 2)))
        ]
        heads = ", ".join(f"${name}: {kind}" for name, kind in self._variables.items())
        return f"query Q{f'({heads})' if heads else ''} {{ {' '.join(fields)} }}", self._values

    def _field(self, name: str, declared: GraphQLField, depth: int) -> str:
        self._owner = next((each for each in OWNERS if each.lower() in name.lower()), self._owner)
        given = []
        for key, argument in declared.args.items():
            if isinstance(argument.type, GraphQLNonNull) or self._chance.random() < 0.3:
                variable = f"v{len(self._variables)}"
                self._variables[variable] = str(argument.type)
                self._values[variable] = self._value(argument.type, key)
                given.append(f"{key}: ${variable}")
        arguments = f"({', '.join(given)})" if given else ""
        return f"{name}{arguments}{self._selection(declared.type, depth)}"

    def _selection(self, declared: GraphQLOutputType, depth: int) -> str:
        kind = get_named_type(declared)
        if is_leaf_type(kind):
            return ""
        if not isinstance(kind, GraphQLObjectType):
            return " { __typename }"
        chosen = self._chance.sample(list(kind.fields), min(MAX_FIELDS, len(kind.fields)))
        fields = [
            f"f{number}: {self._field(name, kind.fields[name], depth + 1)}"
            for number, name in enumerate(chosen)
            if depth < MAX_DEPTH or is_leaf_type(get_named_type(kind.fields[name].type))
        ]
        return f" {{ __typename {' '.join(fields)} }}"

    def _value(self, declared: GraphQLInputType, name: str, depth: int = 0) -> Any:
        if self._chance.random() < self._spice:
            return hostile(self._chance)
        if isinstance(declared, GraphQLNonNull):
            return self._value(declared.of_type, name, depth)
        if isinstance(declared, GraphQLList):
            return [self._value(declared.of_type, name, depth) for _ in range(self._chance.choice((0, 1, 1, 2, 3)))]
        if isinstance(declared, GraphQLEnumType):
            return self._chance.choice(list(declared.values))
        if isinstance(declared, GraphQLInputObjectType):
            return self._object(declared, depth + 1)
        return self._scalar(str(declared), name)

    def _object(self, declared: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, each in declared.fields.items():
            if isinstance(each.type, GraphQLNonNull) or self._chance.random() < 0.4 / depth**1.5:
                made[name] = self._value(each.type, name, depth)
        if "expectedVersion" in declared.fields and self._chance.random() < 0.95:
            made["expectedVersion"] = self._version(made)
        return made

    def _version(self, made: dict[str, Any]) -> int:
        for known in self._landscape.versions.values():
            for value in made.values():
                if isinstance(value, str) and value in known:
                    return known[value]
        return 1

    def _scalar(self, kind: str, name: str) -> Any:
        match kind:
            case "ID":
                return self._named(name, self._landscape.id) or "ci_00000000-0000-4000-8000-000000000000"
            case "Int":
                return self._chance.choice((1, 2, 3, 5, self._chance.choice(INTEGERS)))
            case "Float":
                return self._chance.choice((0.0, 1.5, -1.0, 1e308))
            case "Boolean":
                return self._chance.random() < 0.5
            case "DateTime":
                return self._chance.choice(TIMES)
            case "JSON":
                return document(self._chance)
        key = self._named(name, self._landscape.key)
        if isinstance(key, dict):
            key = key.get("key")
        return key if key and self._chance.random() < 0.7 else self._chance.choice(("shop", "x1", *TEXTS))

    def _named(self, name: str, look_up: Any) -> Any:
        stem = next((kind for stem, kind in STEMS if stem.lower() in name.lower()), self._owner)
        return look_up(stem, self._chance) or look_up(self._owner, self._chance)


def _entities(declared: GraphQLField) -> str:
    payload = get_named_type(declared.type)
    assert isinstance(payload, GraphQLObjectType)
    fields = ["userErrors { code field message }"]
    for name, each in payload.fields.items():
        kind = get_named_type(each.type)
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields:
            version = " version" if "version" in kind.fields else ""
            fields.append(f"{name} {{ __typename id{version} }}")
    return f"{{ {' '.join(fields)} }}"
