"""A plan as data, for people: which fields are read from rows, and what is loaded for the objects of each level."""

from collections.abc import Iterator, Mapping
from typing import Any

from schema.declarations.field_sources import LinkDeclaration, UseCaseDeclaration
from schema.execution.plans.leaves import LeafColumn
from schema.execution.plans.plan import FieldPlan, ListPlan, ObjectPlan, ValuePlan


def describe_plan(root: ObjectPlan, omitted: Mapping[int, tuple[str, ...]]) -> list[dict[str, Any]]:
    """Return the objects of the plan, parents first, each with its path in the data, level, type and fields.

    `columns` are fields that are read from the parents; `loads` are fields that need a loader or a use case, and the
    columns that its statement leaves out, which `omitted` has by the identity of the field node.
    """
    return list(_describe_object(root, omitted, "", 0))


def _describe_object(
    objects: ObjectPlan, omitted: Mapping[int, tuple[str, ...]], path: str, level: int
) -> Iterator[dict[str, Any]]:
    pairs = list(zip(objects.keys, objects.fields, strict=True))
    columns = [key for key, field in pairs if field.declared is None or field.get is not None]
    loads = [_describe_load(key, field, omitted) for key, field in pairs if key not in columns]
    yield {"path": path, "level": level, "type": objects.type.name, "columns": columns, "loads": loads}
    for key, field in pairs:
        for below in _objects_of(field.value):
            # A value that the parents contain needs no further load.
            deeper = level + (field.get is None)
            yield from _describe_object(below, omitted, f"{path}.{key}" if path else key, deeper)


def _describe_load(key: str, field: FieldPlan, omitted: Mapping[int, tuple[str, ...]]) -> dict[str, Any]:
    declaration = None if field.declared is None else field.declared.declaration
    load: dict[str, Any] = {"field": key}
    if isinstance(declaration, LinkDeclaration):
        load["loader"] = getattr(declaration.loader, "__name__", "")
    elif isinstance(declaration, UseCaseDeclaration) and declaration.pages is not None:
        load["loader"] = declaration.pages.__name__
    columns = omitted.get(id(field.details[0].node))
    return load | ({"omitted": list(columns)} if columns else {})


def _objects_of(value: ValuePlan | None) -> list[ObjectPlan]:
    if isinstance(value, ListPlan):
        return _objects_of(value.item)
    return [] if value is None or isinstance(value, LeafColumn) else list(value.types.values())
