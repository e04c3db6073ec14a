"""A strategy for queries over the whole schema, with variables, that mostly succeed on the landscape they are for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)
from hypothesis import strategies as st

from schema.execution.document_cache import GRAPHQL_SCHEMA
from tests.fuzz.landscape import Landscape
from tests.fuzz.operations import OWNERS, STEMS
from tests.schema.execution.plans.literals import literal

# Answers that two executions of one document need not share:
LEFT_OUT = frozenset(
    {
        # stores the answer with an id and a time of its own, so the second execution is another answer,
        "ask",
        # so does this, for the use of language models,
        "findOperation",
        # counts the uses of language models up to now,
        "aiUsage",
        # measures how far the projection is behind at this moment,
        "consistency",
        # counts waiting messages and the seconds they have waited,
        "backlogs",
        # shows when each worker ran last,
        "workers",
        # ends at the newest transaction of the whole server, which autovacuum moves.
        "changesSince",
    }
)
# Levels of a selection, fields of one object, and fields of a document. The limits of documents are far above.
MAX_DEPTH, MAX_WIDTH, MAX_FIELDS = 5, 4, 24
BOGUS_IDS = ("ci_00000000-0000-4000-8000-000000000000", "ci_1", "nothing", "")
TEXTS = ("redis", "shop", "a", "", "%", "x\u00e9")
TIMES = ("2026-03-01T12:00:00Z", "2026-01-01T00:00:00Z")
WRONG_VALUES: tuple[Any, ...] = ("wrong", -1, 1.5, [], {}, True, 2**31)


@dataclass(frozen=True, slots=True)
class GeneratedDocument:
    """A query with its variables. `flags` are the names of the variables in `@skip` and `@include`."""

    text: str
    variables: dict[str, Any]
    flags: tuple[str, ...]

    def flipped(self) -> dict[str, Any]:
        """The variables with every flag negated."""
        return self.variables | {name: not self.variables[name] for name in self.flags}


@st.composite
def documents(draw: st.DrawFn, landscape: Landscape) -> GeneratedDocument:
    """Valid queries; some of their variables are null, missing or of the wrong type."""
    return _Builder(draw, landscape).build()


class _Builder:
    def __init__(self, draw: st.DrawFn, landscape: Landscape) -> None:
        self._draw = draw
        self._landscape = landscape
        self._left = MAX_FIELDS
        self._aliases = 0
        self._declared: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._flags: list[str] = []
        self._fragments: list[str] = []

    def build(self) -> GeneratedDocument:
        root = GRAPHQL_SCHEMA.query_type
        assert root is not None
        selection = self._selection(root, 0, "")
        heads = ", ".join(f"${name}: {type_}" for name, type_ in self._declared.items())
        text = " ".join([f"query Q{f'({heads})' if heads else ''} {selection}", *self._fragments])
        return GeneratedDocument(text, self._values, tuple(self._flags))

    def _chance(self, percent: int) -> bool:
        # The smallest drawn value is the plain document, towards which Hypothesis shrinks.
        return self._draw(st.integers(0, 99)) >= 100 - percent

    def _pick(self, values: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(values))

    def _selection(self, type_: GraphQLNamedType, depth: int, owner: str) -> str:
        if isinstance(type_, GraphQLInterfaceType):
            possible = sorted(each.name for each in GRAPHQL_SCHEMA.get_possible_types(type_))
            chosen = self._draw(st.lists(st.sampled_from(possible), min_size=1, max_size=3))
            parts = [
                self._fragment(each, self._fields(GRAPHQL_SCHEMA.type_map[each], depth, each, always_alias=True))
                for each in chosen
            ]
            return f"{{ __typename id {' '.join(parts)} }}"
        fields = self._fields(type_, depth, owner, always_alias=False)
        parts = [self._fragment(type_.name, [each]) if self._chance(12) else each for each in fields]
        if self._chance(12):
            # Twice the same field, which are merged.
            parts.append(self._fragment(type_.name, [self._pick(fields)]))
        if isinstance(type_, GraphQLObjectType) and type_.interfaces and self._chance(8):
            parts.append(self._fragment(type_.interfaces[0].name, ["id"]))
        return f"{{ {' '.join(parts)} }}"

    def _fragment(self, type_: str, fields: list[str]) -> str:
        if self._chance(40):
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {type_} {{ {' '.join(fields)} }}")
            return f"...{name}{self._directive()}"
        return f"... on {type_}{self._directive()} {{ {' '.join(fields)} }}"

    def _fields(self, type_: Any, depth: int, owner: str, *, always_alias: bool) -> list[str]:
        """At least one field. Fields of types that are not merged with each other need aliases."""
        assert isinstance(type_, GraphQLObjectType)
        leaves: list[str] = []
        objects: list[str] = []
        for name, field in type_.fields.items():
            if name not in LEFT_OUT:
                (leaves if is_leaf_type(get_named_type(field.type)) else objects).append(name)
        parts = []
        for _ in range(self._draw(st.integers(1, MAX_WIDTH if depth else 2))):
            is_object = objects and (not leaves or (depth < MAX_DEPTH and self._left > 0 and self._chance(45)))
            if not is_object and (not leaves or self._chance(8)):
                parts.append(f"{self._alias(always=always_alias)}__typename{self._directive()}")
                continue
            name = self._pick(objects if is_object else leaves)
            if depth > MAX_DEPTH + 2 and is_object:
                parts.append("__typename")
                continue
            self._left -= 1
            parts.append(self._field(name, type_.fields[name], depth, owner, always_alias=always_alias))
        return parts

    def _field(self, name: str, field: GraphQLField, depth: int, owner: str, *, always_alias: bool) -> str:
        owner = next((each for each in OWNERS if each.lower() in name.lower()), owner)
        named = get_named_type(field.type)
        arguments = self._arguments(field, owner)
        alias = self._alias(always=always_alias or bool(field.args))
        selection = "" if is_leaf_type(named) else " " + self._selection(named, depth + 1, owner)
        return f"{alias}{name}{arguments}{self._directive()}{selection}"

    def _alias(self, *, always: bool) -> str:
        if not always and not self._chance(15):
            return ""
        self._aliases += 1
        return f"a{self._aliases}: "

    def _directive(self) -> str:
        if not self._chance(10):
            return ""
        directive = self._pick(("include", "skip"))
        value = self._chance(60) == (directive == "include")
        if self._chance(50):
            return f" @{directive}(if: {str(value).lower()})"
        name = self._pick([*self._flags, None])
        if name is None:
            name = f"flag{len(self._flags)}"
            self._flags.append(name)
            self._declared[name], self._values[name] = "Boolean!", value
        return f" @{directive}(if: ${name})"

    def _arguments(self, field: GraphQLField, owner: str) -> str:
        given = [
            f"{name}: {self._argument(field.args[name], name, owner)}" for name in self._argument_names(field.args)
        ]
        return f"({', '.join(given)})" if given else ""

    def _argument_names(self, arguments: dict[str, GraphQLArgument]) -> list[str]:
        identifying = [name for name in ("id", "key", "number") if name in arguments]
        if len(identifying) > 1 and not self._chance(5):
            return [self._pick(identifying)]
        shares = {"first": 90, "last": 0, "before": 0, "after": 3, "filter": 30, "orderBy": 25}
        if "last" in arguments and self._chance(8):
            shares |= {"first": 2, "last": 90, "before": 5, "after": 0}
        return [
            name
            for name, each in arguments.items()
            if isinstance(each.type, GraphQLNonNull) or self._chance(shares.get(name, 20))
        ]

    def _argument(self, argument: GraphQLArgument, name: str, owner: str) -> str:
        value = self._value(argument.type, name, owner)
        if not self._chance(30):
            return literal(argument.type, value)
        variable = f"v{len(self._declared)}"
        self._declared[variable] = str(argument.type)
        kind = self._draw(st.integers(0, 99))
        if kind < 88:
            self._values[variable] = value
        elif kind < 92:
            self._values[variable] = None
        elif kind < 96:
            self._values[variable] = self._pick(WRONG_VALUES)
        return f"${variable}"

    def _value(self, type_: GraphQLInputType, name: str, owner: str, depth: int = 0) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, name, owner, depth)
        if isinstance(type_, GraphQLList):
            return [self._value(type_.of_type, name, owner, depth) for _ in range(self._draw(st.integers(0, 3)))]
        if isinstance(type_, GraphQLEnumType):
            return self._pick(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, owner, depth)
        match type_.name:
            case "ID":
                return self._id(name, owner)
            case "Int":
                return self._pick((1, 2, 3, 3, 0)) if self._chance(98) else self._pick((-1, 100_000))
            case "Boolean":
                return self._draw(st.booleans())
            case "DateTime":
                return self._pick(TIMES)
            case "JSON":
                return {"tier": self._pick(TEXTS)}
        return self._text(name, owner)

    def _object(self, type_: GraphQLInputObjectType, owner: str, depth: int) -> dict[str, Any]:
        required = [name for name, each in type_.fields.items() if isinstance(each.type, GraphQLNonNull)]
        others = [
            name
            for name, each in type_.fields.items()
            if name not in required and (depth < 3 or is_leaf_type(get_named_type(each.type)))
        ]
        chosen = self._draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True)) if others else []
        return {
            each: self._value(type_.fields[each].type, each if each != "eq" else "", owner, depth + 1)
            for each in (*required, *chosen)
        }

    def _id(self, name: str, owner: str) -> str:
        versions = self._landscape.versions
        if name == "ids" or self._chance(5):
            owner = self._pick(sorted(versions))
        else:
            owner = next((kind for stem, kind in STEMS if stem.lower() in name.lower()), owner)
        known = sorted(versions.get(owner, versions["ConfigurationItem"]))
        return str(self._pick(BOGUS_IDS if self._chance(5) else known))

    def _text(self, name: str, owner: str) -> str:
        if name == "source":
            return "demo"
        owner = next((kind for stem, kind in STEMS if stem.lower() in name.lower()), owner)
        known = [each for each in self._landscape.keys.get(owner, ()) if isinstance(each, str)]
        return str(self._pick(known if known and self._chance(80) else TEXTS))
