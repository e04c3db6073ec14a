"""The Node interface of all types with a global id."""

from typing import Any, ClassVar

import strawberry

from resolvers.context import LoaderClass
from schema.declarations.fields import attribute
from schema.declarations.ids import encode_id


@strawberry.interface(description="An object with a global id. Fetch it by `node(id:)`.")
class Node:
    """Subclasses set `record`, `prefix`, `by_id` and `needs`; `node(id:)` needs nothing else."""

    record: ClassVar[type[Any]]
    prefix: ClassVar[str]
    by_id: ClassVar[LoaderClass[Any]]
    needs: ClassVar[str]

    id: strawberry.ID = attribute("The global id, for example `ci_01931f0a-5b6c-7d8e-9fa0-b1c2d3e4f506`.", of="id")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return type(value) is cls.record

    def __init_subclass__(cls, prefix: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if prefix:
            cls.prefix = prefix


def id_field(prefix: str) -> Any:
    """Declare the id field of a type: its prefix and the uuid of the record."""
    return attribute(
        f"The global id: `{prefix}_` and the row's uuid. Opaque; it never changes.",
        of=lambda record: encode_id(prefix, record.id),
        column="id",
    )


def type_of_kind(kind: str) -> type[Node]:
    """Return the type of a kind: WorkflowRun for WORKFLOW_RUN. The lookup is by name, so no domain is imported."""
    name = kind.title().replace("_", "")
    return next(each for each in Node.__subclasses__() if each.__name__ == name)
