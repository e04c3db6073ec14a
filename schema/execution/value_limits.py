"""Limits of nesting and size of the values in a request, literals and variables, measured without recursion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FloatValueNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    Node,
    ObjectValueNode,
)

# Levels of lists and objects in one value. Code that reads values is recursive; this keeps it far from Python's limit.
MAX_NESTING = 32
# Values in the variables of a request: more than the longest list of ids and the largest filter together.
MAX_VALUES = 20_000
# Digits of a number; numbers of the schema have at most 17, and Python rejects numbers of more than 4,300.
MAX_NUMBER_DIGITS = 40


@dataclass(slots=True)
class ValueSize:
    """The levels of nesting, the number of values, and the length of the longest number."""

    nesting: int = 0
    values: int = 0
    digits: int = 0

    def exceeded_limits(self) -> list[tuple[str, int, int]]:
        """Return the exceeded limits: name, value, and allowed value."""
        limits = (
            ("nesting of values", self.nesting, MAX_NESTING),
            ("number of values", self.values, MAX_VALUES),
            ("length of numbers", self.digits, MAX_NUMBER_DIGITS),
        )
        return [each for each in limits if each[1] > each[2]]


def measure_literals(document: DocumentNode) -> ValueSize:
    """Measure the literal values and types in a document."""
    size = ValueSize()
    stack: list[tuple[Node, int]] = [(document, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, ListValueNode | ObjectValueNode | ListTypeNode):
            depth += 1
            size.nesting = max(size.nesting, depth)
        elif isinstance(node, IntValueNode | FloatValueNode):
            size.digits = max(size.digits, len(node.value))
        for key in node.keys:
            if key == "loc":
                continue
            below = getattr(node, key, None)
            for each in below if isinstance(below, list | tuple) else (below,):
                if isinstance(each, Node):
                    stack.append((each, depth))
    return size


def measure_variables(variables: Mapping[str, Any]) -> ValueSize:
    """Measure the variables of a request; the mapping itself does not count as a level."""
    size = ValueSize(values=len(variables))
    stack = [(value, 1) for value in variables.values() if isinstance(value, dict | list)]
    while stack and size.values <= MAX_VALUES and size.nesting <= MAX_NESTING:
        value, depth = stack.pop()
        size.nesting = max(size.nesting, depth)
        size.values += len(value)
        if size.values <= MAX_VALUES:
            inner = value.values() if isinstance(value, dict) else value
            stack.extend((each, depth + 1) for each in inner if isinstance(each, dict | list))
    return size
