"""A plan: the fields of an operation by object type, with how their values are read and completed."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetailsList

from schema.declarations.fields import OBJECT_COST, DeclaredField, Getter
from schema.execution.plans.leaves import LeafColumn


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A list of values; `is_nullable` is of the list itself."""

    item: "ValuePlan"
    is_nullable: bool


@dataclass(frozen=True, slots=True)
class ObjectsPlan:
    """Objects: their fields by the Python type of the object, or for all types by None."""

    types: Mapping[type | None, "ObjectPlan"]
    is_nullable: bool


ValuePlan = LeafColumn | ListPlan | ObjectsPlan


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """A field of an object. Without a declaration it is `__typename`. `get` reads an attribute."""

    declared: DeclaredField | None
    details: FieldDetailsList
    value: ValuePlan | None
    get: Getter | None = None


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """A compiled operation: its fields, and the columns that none of them reads, by the field node of a connection."""

    root: "ObjectPlan"
    omitted: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """The selected fields of an object type, in the order of the response."""

    type: GraphQLObjectType
    keys: tuple[str, ...]
    fields: tuple[FieldPlan, ...]

    @property
    def cost(self) -> int:
        """The cost of one object without the objects below it."""
        return OBJECT_COST + len(self.fields)

    @property
    def is_flat(self) -> bool:
        """Whether no field leads to objects, lists or loads, so that equal objects have equal data at once."""
        return all(
            each.declared is None or (each.get is not None and isinstance(each.value, LeafColumn))
            for each in self.fields
        )
