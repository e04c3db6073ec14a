"""Bytecode in GraphSON 3, traversed as a tree: instructions, typed values, maps."""

from collections.abc import Iterator
from dataclasses import dataclass

BYTECODE = "g:Bytecode"


@dataclass(frozen=True, slots=True)
class Instruction:
    """A step, or, with `source`, an option of the traversal source such as withStrategies. Arguments are GraphSON."""

    name: str
    arguments: tuple[object, ...] = ()
    source: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The content of a request: its bytecode, and every instruction in it. A script has no instructions."""

    gremlin: object
    instructions: tuple[Instruction, ...]


def parse_query(gremlin: object) -> Query:
    """Parse the argument `gremlin` of a request."""
    return Query(gremlin, tuple(instructions(gremlin)) if type_of(gremlin) == BYTECODE else ())


def instructions(value: object) -> Iterator[Instruction]:
    """Yield every instruction in a value, in order; those of a nested traversal follow the step that contains it."""
    for kind, body in typed(value, into_bytecode=False):
        if kind != BYTECODE or not isinstance(body, dict):
            continue
        for part in ("source", "step"):
            for name, *arguments in body.get(part, ()):
                yield Instruction(name, tuple(arguments), part == "source")
                for argument in arguments:
                    yield from instructions(argument)


def typed(value: object, *, into_bytecode: bool = True) -> Iterator[tuple[str, object]]:
    """Yield every typed value within a value, outer before inner, as its type and its content."""
    if isinstance(value, list):
        for item in value:
            yield from typed(item, into_bytecode=into_bytecode)
    elif isinstance(value, dict):
        kind = type_of(value)
        if kind is not None:
            yield kind, value.get("@value")
        if kind != BYTECODE or into_bytecode:
            for item in value.values():
                yield from typed(item, into_bytecode=into_bytecode)


def type_of(value: object) -> str | None:
    """Return the GraphSON type of a value; None for plain JSON values."""
    if isinstance(value, dict):
        kind = value.get("@type")
        return kind if isinstance(kind, str) else None
    return None


def content(value: object) -> object:
    """Return a value without its GraphSON type."""
    return value.get("@value") if isinstance(value, dict) and "@type" in value else value


def is_enum(value: object, kind: str, name: str) -> bool:
    """Return whether a value is the given constant, as in `is_enum(key, "g:T", "id")`."""
    return type_of(value) == kind and content(value) == name


def pairs(body: object) -> Iterator[tuple[object, object]]:
    """Yield the entries of a g:Map, whose GraphSON content is alternating keys and values."""
    if isinstance(body, list):
        yield from zip(body[::2], body[1::2], strict=False)


def maps(value: object) -> Iterator[list[tuple[object, object]]]:
    """Yield every map within a value, as its entries."""
    for kind, body in typed(value):
        if kind == "g:Map":
            yield list(pairs(body))
