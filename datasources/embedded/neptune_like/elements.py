"""The checks of elements: ids that are not strings, lists and maps as values, reserved labels."""

from collections.abc import Callable, Iterator

from datasources.embedded.neptune_like.bytecode import Query, content, is_enum, maps, pairs, type_of
from datasources.embedded.neptune_like.errors import Refusal

# The Java names of GraphSON types, as Neptune's error messages contain them (graphexp issue 71).
_JAVA = {
    "g:Int32": "java.lang.Integer", "g:Int64": "java.lang.Long", "g:Double": "java.lang.Double",
    "g:Float": "java.lang.Float", "gx:Byte": "java.lang.Byte", "gx:Int16": "java.lang.Short",
    "gx:BigInteger": "java.math.BigInteger", "gx:BigDecimal": "java.math.BigDecimal", "g:UUID": "java.util.UUID",
    "g:Date": "java.util.Date", "g:Timestamp": "java.sql.Timestamp", "g:Map": "java.util.Map",
}  # fmt: skip
# access-graph-gremlin-differences, "Neptune support for vertex property features": the supported value types, and
# dates, which Neptune stores too (best-practices-gremlin-java-glv-date).
_STORABLE = frozenset(
    {"g:Int32", "g:Int64", "g:Double", "g:Float", "gx:Byte", "gx:Int16", "g:Date", "g:Timestamp", "g:Bytecode"}
)
_DIRECTIONS = ("OUT", "IN")


Rule = Callable[[Query], Iterator[Refusal]]


def element_rules() -> tuple[Rule, ...]:
    """Return the rules of this module, in the order of their evaluation."""
    return _ids, _cardinality, _values, _labels


def _ids(query: Query) -> Iterator[Refusal]:
    """access-graph-gremlin-differences, "Vertex and edge IDs": "must be of type String"."""
    for identity in _identities(query):
        for java in _not_strings(identity):
            yield Refusal(
                "UnsupportedOperationException",
                f"Expected an id that is convertible to String but received class {java}",
            )


def _identities(query: Query) -> Iterator[object]:
    for name, arguments in ((one.name, one.arguments) for one in query.instructions):
        if name in {"V", "E", "hasId"}:
            yield from arguments
        elif name in {"property", "has"} and arguments and is_enum(arguments[0], "g:T", "id"):
            yield arguments[-1]
    for entries in maps(query.gremlin):
        for key, value in entries:
            if is_enum(key, "g:T", "id") or any(is_enum(key, "g:Direction", way) for way in _DIRECTIONS):
                yield value


def _not_strings(value: object) -> Iterator[str]:
    """Yield the Java class of everything in an id's place that cannot be an id."""
    kind, body = type_of(value), content(value)
    if kind in {"g:List", "g:Set"} and isinstance(body, list):
        for item in body:
            yield from _not_strings(item)
    elif kind in {"g:P", "g:TextP"} and isinstance(body, dict):
        yield from _not_strings(body.get("value"))
    elif isinstance(value, list):
        for item in value:
            yield from _not_strings(item)
    elif isinstance(value, bool):
        yield "java.lang.Boolean"
    elif kind in _JAVA:
        yield _JAVA[kind]
    elif isinstance(value, int | float):
        yield "java.lang.Integer"


def _cardinality(query: Query) -> Iterator[Refusal]:
    """access-graph-gremlin-differences, "Cardinality of vertex properties": "List is not supported"."""
    for one in query.instructions:
        sets = one.name in {"property", "CardinalityValueTraversal"} and bool(one.arguments)
        if sets and is_enum(one.arguments[0], "g:Cardinality", "list"):
            yield Refusal("UnsupportedOperationException", "List cardinality is not supported")


def _values(query: Query) -> Iterator[Refusal]:
    """The same page, property features: no lists, maps or arrays as values; MetaProperties false."""
    for key, value, more in _properties(query):
        kind = type_of(value)
        if more:
            yield Refusal("UnsupportedOperationException", f"Property {key} may not have properties of its own")
        elif isinstance(value, list) or (kind is not None and kind not in _STORABLE):
            yield Refusal("UnsupportedOperationException", f"Property value of type {kind or 'list'} is not supported")


def _properties(query: Query) -> Iterator[tuple[str, object, bool]]:
    for one in query.instructions:
        rest = list(one.arguments)
        if rest and type_of(rest[0]) == "g:Cardinality":
            rest.pop(0)
        if one.name == "property" and rest:
            if type_of(rest[0]) == "g:Map":
                yield from ((str(key), value, False) for key, value in pairs(content(rest[0])))
            elif isinstance(rest[0], str):
                yield rest[0], rest[1] if len(rest) > 1 else None, len(rest) > 2
        elif one.name == "CardinalityValueTraversal" and rest:
            yield "of a map", rest[0], False
        elif one.name in {"mergeV", "mergeE"} or (one.name == "option" and type_of(one.arguments[0]) == "g:Merge"):
            for argument in one.arguments:
                if type_of(argument) == "g:Map":
                    yield from _plain(list(pairs(content(argument))))
    for entries in maps(query.gremlin):
        # A map with an id or a label describes an element, for a later merge.
        if any(type_of(key) == "g:T" for key, _ in entries):
            yield from _plain(entries)


def _plain(entries: list[tuple[object, object]]) -> Iterator[tuple[str, object, bool]]:
    return ((key, value, False) for key, value in entries if isinstance(key, str))


def _labels(query: Query) -> Iterator[Refusal]:
    """The same page, "Labels": `::` joins several labels of a vertex, hasLabel('A::B') matches none, an edge has one.

    The engine has one label per vertex, so the double rejects `::` wherever Neptune would read a label.
    """
    for label in _named(query):
        for text in label if isinstance(label, list) else (label,):
            if isinstance(text, str) and "::" in text:
                yield Refusal("UnsupportedOperationException", f"Label {text!r} holds '::', which joins labels")


def _named(query: Query) -> Iterator[object]:
    for name, arguments in ((one.name, one.arguments) for one in query.instructions):
        if name in {"addV", "addE", "hasLabel"}:
            yield from (_leaf(argument) for argument in arguments)
        elif name == "has" and arguments and is_enum(arguments[0], "g:T", "label"):
            yield _leaf(arguments[-1])
    for entries in maps(query.gremlin):
        yield from (value for key, value in entries if is_enum(key, "g:T", "label"))


def _leaf(argument: object) -> object:
    body = content(argument)
    return _leaf(body["value"]) if isinstance(body, dict) and "value" in body else body
